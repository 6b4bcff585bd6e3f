/** What no server can do without: parse the form, ask Redis once, answer JSON. Arguments: port, address of Redis. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { Redis } from 'ioredis';

const [port = '', redisUrl = ''] = process.argv.slice(2);
const redis = new Redis(redisUrl);
const value = JSON.stringify({ client: 'ds-engine', scope: 'reports:read python:execute' });
await redis.set('token', value);

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

const server = createServer(async (request, response) => {
  const form = await formOf(request);
  const found =
    request.url === '/get'
      ? await redis.get(form.get('token') ?? '')
      : await redis.set(randomUUID(), value, 'EX', 1800);
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ active: true, found }));
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
