/** Sends events to a syslog receiver (RFC 5424), a message each: by UDP (RFC 5426) or TCP (RFC 6587 §3.4.1). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AuditEvent } from '../audit-event.ts';
import type { Delivery, Target } from './target.ts';

export type SyslogAddress = {
  readonly transport: 'udp' | 'tcp';
  readonly host: string;
  readonly port: number;
};

/** Facility 13 is "log audit" (RFC 5424 §6.2.1); severity 6 informs, 4 warns. */
const FACILITY = 13;
const SEVERITY = { success: 6, failure: 4 } as const;
/** Milliseconds that a connection may take. */
const PATIENCE_MS = 5000;
/** The most bytes of a datagram; an event that takes more goes without its changes. */
const MAX_DATAGRAM = 60_000;

/** `hostname`: of this server, as messages name it. */
export function createSyslog(address: SyslogAddress, hostname: string): Target {
  const send = address.transport === 'udp' ? sendByUdp : sendByTcp;
  return {
    name: 'syslog',
    send: ({ realm, events }: Delivery) => {
      const messages = events.map((event) => messageOf({ realm, ...event }, hostname));
      return send(address, messages);
    },
  };
}

type Told = AuditEvent & { readonly realm: string };

/** `<priority>1 time host app process kind structured-data text`; a dash is what is not said. */
function messageOf(event: Told, hostname: string): Buffer {
  const { kind, time, outcome, changes, ...rest } = event;
  const head = `<${FACILITY * 8 + SEVERITY[outcome]}>1 ${time} ${hostname} daypass - ${kind.slice(0, 32)} -`;
  const whole = Buffer.from(`${head} ${JSON.stringify(event)}`);
  if (changes === undefined || whole.length <= MAX_DATAGRAM) return whole;
  const names = Object.keys(changes).slice(0, 100);
  return Buffer.from(`${head} ${JSON.stringify({ kind, time, outcome, ...rest, changed: names })}`);
}

async function sendByUdp({ host, port }: SyslogAddress, messages: readonly Buffer[]): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    for (const message of messages) await sendDatagram(socket, message, { host, port });
  } finally {
    socket.close();
  }
}

function sendDatagram(
  socket: Socket,
  message: Buffer,
  { host, port }: Pick<SyslogAddress, 'host' | 'port'>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, port, host, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Resolves when the receiver has taken everything and closed: it says no more than that. */
async function sendByTcp({ host, port }: SyslogAddress, messages: readonly Buffer[]): Promise<void> {
  const socket = connect({ host, port });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('the syslog receiver does not answer')));
  socket.resume();
  await once(socket, 'connect');
  const framed = messages.flatMap((message) => [Buffer.from(`${message.length} `), message]);
  socket.end(Buffer.concat(framed));
  await once(socket, 'close');
}
