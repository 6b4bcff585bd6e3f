import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../src/http/body.ts';
import { beginRequest } from '../../src/http/request-state.ts';

function requestOf(): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  beginRequest(request, 'request');
  return request;
}

describe('the body of a request', () => {
  it('is the same for everybody who asks for it', async () => {
    const request = requestOf();
    request.push('a=');
    request.push('b');
    request.push(null);

    const bodies = await Promise.all([readBody(request, 10), readBody(request, 10)]);

    expect(bodies.map(String)).toEqual(['a=b', 'a=b']);
  });

  it('is none above the limit, whether or not its length was told', async () => {
    const payload = requestOf();
    payload.headers['content-length'] = '11';
    const untold = requestOf();
    untold.push('12345678901');

    expect(await Promise.all([payload, untold].map((request) => readBody(request, 10)))).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('is not waited for when the caller has hung up, before or after', async () => {
    const before = requestOf();
    before.destroy();
    await once(before, 'close');
    const after = requestOf();
    const body = readBody(after, 10);
    after.destroy();

    await expect(readBody(before, 10)).rejects.toThrow('broken off');
    await expect(body).rejects.toThrow('broken off');
  });
});
