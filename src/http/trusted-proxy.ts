/**
 * Forwarding headers and client certificates count only when a trusted proxy set them (RFC 9440 §4, RFC 9700 §4.13);
 * those of other callers are removed. After this a request's addresses are those of the public URL, whatever its
 * `Host` says.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6, type Socket } from 'node:net';

export type TrustedProxy = {
  /** Cleans the request's headers and returns the caller's network address. */
  admit(request: IncomingMessage): string;
};

type Peer = { readonly peer: string; readonly isTrusted: boolean };

const forwarding = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'forwarded',
];

export function createTrustedProxy(options: {
  readonly publicUrl: string;
  /** Networks of trusted proxies, as CIDR. */
  readonly trustProxy: readonly string[];
  readonly clientCertHeader: string;
  readonly clientCertVerifiedHeader?: string | undefined;
}): TrustedProxy {
  const trusted = networks(options.trustProxy);
  const aboutCertificates = [options.clientCertHeader, options.clientCertVerifiedHeader].filter(
    (name) => name !== undefined,
  );
  const { host, protocol } = new URL(options.publicUrl);

  /** The peer of a connection does not change. */
  const known = new WeakMap<Socket, Peer>();

  function meet(socket: Socket): Peer {
    const peer = plainAddress(socket.remoteAddress ?? '');
    const met = { peer, isTrusted: contains(trusted, peer) };
    known.set(socket, met);
    return met;
  }

  function admit(request: IncomingMessage): string {
    const { peer, isTrusted } = known.get(request.socket) ?? meet(request.socket);
    const address = isTrusted ? clientBehind(request, peer, trusted) : peer;
    for (const name of forwarding) delete request.headers[name];
    if (!isTrusted) for (const name of aboutCertificates) delete request.headers[name];
    request.headers.host = host;
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    request.headers['x-forwarded-for'] = address;
    return address;
  }

  return { admit };
}

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return address !== '' && list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** The last address in the chain that no trusted proxy set: everything before it can be forged. */
function clientBehind(request: IncomingMessage, peer: string, trusted: BlockList): string {
  const header = request.headers['x-forwarded-for'];
  const chain = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((part) => part.trim());
  const stranger = chain.reverse().find((address) => isAddress(address) && !contains(trusted, address));
  return stranger ?? peer;
}

function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** `::ffff:10.0.0.1` is the IPv4 address 10.0.0.1. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
