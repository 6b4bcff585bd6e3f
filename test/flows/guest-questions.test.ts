/** What a resource server may ask at introspection, and in which words. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { postForm } from '../support/http.ts';
import { gateway } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';
import { grant, guestRealm, introspect, mintGuest, proof, proofKey } from './guest-support.ts';

describe('a question about a guest token', () => {
  const server = useServer({ realms: [guestRealm()] });

  const mint = async (overrides: Record<string, unknown> = {}) =>
    (await mintGuest(server, grant(overrides))).json.token;

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'is answered where localhost is bound to: %s',
    async (ip) => {
      const token = await mint({ binding: { ip: ['localhost'] } });

      expect((await introspect(server, token, { ip })).json.active).toBe(true);
      expect((await introspect(server, token, { ip: '203.0.113.7' })).json.guest_reason).toBe('ip_mismatch');
    },
  );

  it('is answered as often as one request asks, by the same proof of its key', async () => {
    const key = await proofKey();
    const token = await mint({ binding: { key: { jkt: key.jkt } } });
    const seen = { htm: 'GET', htu: 'https://analytics.acme.test/data' };
    const dpop = await proof(key, { ...seen, ath: sha256(token) });

    const answers = [
      await introspect(server, token, { dpop, ...seen, resource: 'dash-1' }),
      await introspect(server, token, { dpop, ...seen, resource: 'dash-2' }),
      await introspect(server, token, { dpop, ...seen, htu: 'https://analytics.acme.test/other' }),
    ];

    expect(answers.map(({ json }) => [json.active, json.allowed])).toEqual([
      [true, true],
      [true, false],
      [false, undefined],
    ]);
  });

  it.each<[string, string]>([
    ['resource', 'resource=dash-1&resource=dash-2'],
    ['action', 'action=view&action=filter'],
    ['token', 'token=another'],
    ['origin', 'origin=https://a.test&origin=https://b.test'],
    ['a parameter that means nothing', 'audience=a&audience=b'],
  ])('is refused with %s sent twice, whichever way the request takes', async (_what, more) => {
    const token = await mint();
    const url = server.endpoint('acme', 'token/introspect');
    const theLongWay = { accept: 'application/json, application/x-jwt;q=0.1' };

    for (const headers of [{}, theLongWay]) {
      const answer = await postForm(url, `token=${token}&${more}`, { auth: gateway, headers });

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    }
  });
});
