/** A receiver of signed webhooks (Standard Webhooks) that keeps what it is sent and checks the signatures. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export type Posted = {
  readonly id: string;
  readonly isSigned: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: what was sent is looked into field by field
  readonly body: any;
};

/** `secret`: `whsec_` and base64. */
export async function startWebhookReceiver(secret: string) {
  const posts: Posted[] = [];
  const answers = { status: 204 };
  let refused = 0;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    const right = `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`;
    if (answers.status < 300) {
      posts.push({ id: String(id), isSigned: signature === right, body: JSON.parse(body) });
    } else refused += 1;
    response.writeHead(answers.status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/audit`,
    posts,
    refused: () => refused,
    answerWith: (status: number) => {
      answers.status = status;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
