/** Stands before a Redis and holds its answers back. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type SlowRedis = {
  readonly url: string;
  /** From now on each answer is held back for so long. */
  answerAfter(ms: number): void;
  /** Held back for so long are the first answers of connections that are made from now on. */
  greetAfter(ms: number): void;
  /** Ends the connections that there are. */
  cut(): void;
  stop(): void;
};

export async function startSlowRedis(port: number): Promise<SlowRedis> {
  let delayMs = 0;
  let greetingMs = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let greeting = greetingMs;
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      setTimeout(() => client.write(chunk), Math.max(delayMs, greeting));
      greeting = 0;
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    answerAfter(ms) {
      delayMs = ms;
    },
    greetAfter(ms) {
      greetingMs = ms;
    },
    cut,
    stop() {
      server.close();
      cut();
    },
  };
}
