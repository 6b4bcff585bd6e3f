/** Refreshing a guest: by whom, how often, and what is left of the old one. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { useServerOn } from '../support/use-server.ts';
import {
  call,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  mints,
  movableClock,
  other,
  ownToken,
  portal,
  proof,
  proofKey,
  refreshGuest,
} from './guest-support.ts';

const json = { id: 'json', secret: 'json-secret', grants: ['client_credentials'], mints };
const realms = [guestRealm({}, { clients: [json] })];

const REFUSED = { status: 400, json: { error: 'invalid_grant' } };

describe.each(engines)('refreshing a guest, on the %s store', (_name, open) => {
  const time = movableClock();
  const { engine, server } = useServerOn(open, { realms, adapt: time.adapt });

  const mint = async (lifetime: object = {}, more: Record<string, unknown> = {}) =>
    (
      await mintGuest(
        server,
        grant({ lifetime: { ttl: 600, refresh: { allowed: true }, ...lifetime }, ...more }),
      )
    ).json;
  const isActive = async (token: string) => (await introspect(server, token)).json.active;
  const age = (token: string) =>
    engine.ageSpending(
      { realm: 'acme', kind: 't', id: createHash('sha256').update(token).digest('base64url') },
      11_000,
    );

  it('gives everybody who repeats it in time the same successor', async () => {
    const { refresh_token } = await mint();

    const answers = await Promise.all(Array.from({ length: 10 }, () => refreshGuest(server, refresh_token)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ json }) => json.refresh_token)).size).toBe(1);
    expect(new Set(answers.map(({ json }) => json.access_token)).size).toBe(1);
    expect(await isActive(answers[0]?.json.access_token)).toBe(true);
    expect((await refreshGuest(server, answers[0]?.json.refresh_token)).status).toBe(200);
  });

  it('is for who minted by JSON alone, too, who may exchange nothing', async () => {
    const auth = ['json', 'json-secret'] as const;
    const body = grant({ lifetime: { ttl: 600, refresh: { allowed: true } } });
    const { refresh_token } = (await mintGuest(server, body, { auth })).json;

    expect((await refreshGuest(server, refresh_token, { auth })).status).toBe(200);

    const exchanged = await exchange(server, { subject: await ownToken(server, auth), auth });
    expect(exchanged).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
  });

  it('kills the family when a spent one comes back after that', async () => {
    const { token, refresh_token } = await mint();
    const { json } = await refreshGuest(server, refresh_token);
    await age(refresh_token);

    expect(await refreshGuest(server, refresh_token)).toMatchObject(REFUSED);

    expect([await isActive(token), await isActive(json.access_token)]).toEqual([false, false]);
    expect(await refreshGuest(server, json.refresh_token)).toMatchObject(REFUSED);
  });

  it('is for the client that minted, and for nobody without a credential', async () => {
    const { refresh_token } = await mint();

    expect(await refreshGuest(server, refresh_token, { auth: other })).toMatchObject(REFUSED);
    expect(await refreshGuest(server, refresh_token, {})).toMatchObject(REFUSED);
    expect((await refreshGuest(server, refresh_token, { auth: ['portal', 'wrong'] })).status).toBe(401);
    expect((await refreshGuest(server, refresh_token)).status).toBe(200);
  });

  it('is for the browser that proves the key of the token, without a client', async () => {
    const [key, thief] = [await proofKey(), await proofKey()];
    const { refresh_token } = await mint({}, { binding: { key: { jkt: key.jkt } } });
    const htu = server.endpoint('acme', 'token');
    const by = async (one: typeof key, claims: object = {}) =>
      refreshGuest(server, refresh_token, {
        headers: { DPoP: await proof(one, { htm: 'POST', htu, ...claims }) },
      });

    expect(await by(thief)).toMatchObject(REFUSED);
    expect((await by(key, { htm: 'GET' })).json.error).toBe('invalid_dpop_proof');
    expect(await by(key)).toMatchObject({ status: 200, json: { token_type: 'DPoP' } });
    expect((await refreshGuest(server, refresh_token)).status).toBe(200);
  });

  it('is not an exchange of a refresh token', async () => {
    const { refresh_token } = await mint();
    const type = 'urn:ietf:params:oauth:token-type:refresh_token';

    const answer = await exchange(server, { subject: refresh_token, type });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    expect((await refreshGuest(server, refresh_token)).status).toBe(200);
  });

  it('may ask for less, once, and never for more', async () => {
    const { refresh_token } = await mint();
    const by = (token: string, scope: string) =>
      refreshGuest(server, token, { auth: portal, more: { scope } });

    const wider = await by(refresh_token, 'guest:view guest:export');
    const less = await by(refresh_token, 'guest:view');
    const again = await by(less.json.refresh_token, '');

    expect(wider).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
    expect(less.json).toMatchObject({
      scope: 'guest:view',
      authorization_details: [{ actions: ['view'] }, {}],
    });
    expect(again.json.scope).toBe('guest:view guest:filter');
  });

  it('may ask for less with nothing but the key', async () => {
    const key = await proofKey();
    const { refresh_token } = await mint({}, { binding: { key: { jkt: key.jkt } } });
    const by = async (scope: string) =>
      refreshGuest(server, refresh_token, {
        headers: { DPoP: await proof(key, { htm: 'POST', htu: server.endpoint('acme', 'token') }) },
        more: { scope },
      });

    expect((await by('guest:edit')).json.error).toBe('invalid_scope');
    expect((await by('guest:view')).json.scope).toBe('guest:view');
  });

  it('keeps the end of the chain', async () => {
    const { refresh_token } = await mint({ refresh: { allowed: true, absolute: 700 } });
    time.forward(300);

    const { json } = await refreshGuest(server, refresh_token);

    expect(json.expires_in).toBeLessThanOrEqual(400);
    expect(json.refresh_expires_in).toBeLessThanOrEqual(400);
  });

  it('does not begin the waiting time again', async () => {
    const { refresh_token } = await mint({ not_before: 100 });
    time.forward(100);

    const { json } = await refreshGuest(server, refresh_token);

    expect(await isActive(json.access_token)).toBe(true);
  });

  it('ends when the ceiling of the client gets narrower, and goes on when it gets wider', async () => {
    const [before, after] = [await mint(), await mint()];
    const allow = (change: object) =>
      server.services.registry.updateClient('acme', 'portal', (client) => ({
        ...client,
        mints: { ...mints, ...change },
      }));
    await allow({ types: [...mints.types, 'chart'] });
    const wider = await refreshGuest(server, before.refresh_token);
    await allow({});

    expect(wider.status).toBe(200);
    expect(await refreshGuest(server, wider.json.refresh_token)).toMatchObject(REFUSED);
    expect(await refreshGuest(server, after.refresh_token)).toMatchObject(REFUSED);
  });

  describe('in a session with places', () => {
    const session = { key: 'sid-9', max_concurrent: 1 };

    it('puts the successor in the place of what it follows, however often it is repeated', async () => {
      const first = await mint({}, { session });
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => refreshGuest(server, first.refresh_token)),
      );
      const again = await refreshGuest(server, first.refresh_token);
      const third = await refreshGuest(server, again.json.refresh_token);

      const values = new Set([...answers, again].map(({ json }) => json.access_token));
      const alive = await Promise.all([first.token, ...values, third.json.access_token].map(isActive));
      expect(alive).toEqual([false, false, true]);
      expect((await mintGuest(server, grant({ session }))).status).toBe(429);
      await call(server, 'DELETE', `/guest-tokens/${first.id}`);
      expect((await mintGuest(server, grant({ session }))).status).toBe(201);
    });

    it('is for who minted by JSON alone, too, who may exchange nothing', async () => {
      const auth = ['json', 'json-secret'] as const;
      const body = grant({ lifetime: { ttl: 600, refresh: { allowed: true } } });
      const { refresh_token } = (await mintGuest(server, body, { auth })).json;

      expect((await refreshGuest(server, refresh_token, { auth })).status).toBe(200);

      const exchanged = await exchange(server, { subject: await ownToken(server, auth), auth });
      expect(exchanged).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
    });

    it('kills the family when a spent one comes back too late', async () => {
      const first = await mint({}, { session: { ...session, key: 'sid-10' } });
      const { json } = await refreshGuest(server, first.refresh_token);
      await age(first.refresh_token);

      expect(await refreshGuest(server, first.refresh_token)).toMatchObject(REFUSED);

      expect(await isActive(json.access_token)).toBe(false);
      expect(await refreshGuest(server, json.refresh_token)).toMatchObject(REFUSED);
    });

    it('repeats what was narrowed meanwhile as it is now', async () => {
      const first = await mint({}, { session: { ...session, key: 'sid-12' } });
      const { json } = await refreshGuest(server, first.refresh_token);
      const resources = [{ type: 'dashboard', id: 'dash-1', actions: ['view'] }];
      await call(server, 'PATCH', `/guest-tokens/${first.id}`, { resources });

      const again = await refreshGuest(server, first.refresh_token);

      expect(again.json).toMatchObject({ access_token: json.access_token, scope: 'guest:view' });
    });

    it('repeats nothing that was revoked meanwhile', async () => {
      const first = await mint({}, { session: { ...session, key: 'sid-11' } });
      await refreshGuest(server, first.refresh_token);
      await call(server, 'POST', '/guest-tokens/revoke', { tenant: 'blue' });

      expect(await refreshGuest(server, first.refresh_token)).toMatchObject(REFUSED);
    });
  });

  it.each<[string, (one: { id: string; refresh_token: string; token: string }) => Promise<unknown>]>([
    ['revoked by its holder', ({ token }) => postForm(server.endpoint('acme', 'revoke'), { token })],
    [
      'given up by its refresh token',
      ({ refresh_token: token }) => postForm(server.endpoint('acme', 'revoke'), { token }),
    ],
    ['deleted', ({ id }) => call(server, 'DELETE', `/guest-tokens/${id}`)],
    ['cut with its tenant', () => call(server, 'POST', '/guest-tokens/revoke', { tenant: 'blue' })],
    ['cut with its resource', () => call(server, 'POST', '/guest-tokens/revoke', { resource: 'dash-1' })],
  ])('ends when the guest is %s', async (_what, end) => {
    const minted = await mint();
    const { json } = await refreshGuest(server, minted.refresh_token);

    await end(minted);

    expect(await refreshGuest(server, json.refresh_token)).toMatchObject(REFUSED);
    expect(await isActive(json.access_token)).toBe(false);
  });

  it('answers the holder who gives up a token the same, known or not, from any origin', async () => {
    const { token } = await mint();
    const headers = { origin: 'https://app.partner.test' };
    const give = (value: string) =>
      postForm(server.endpoint('acme', 'revoke'), { token: value }, { headers });

    const answers = [await give(token), await give(token), await give(`dpg_${'x'.repeat(43)}`)];

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, json: {} });
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
    }
    expect(await isActive(token)).toBe(false);
  });

  it('is not for what can be used once, nor for another grant', async () => {
    const once = await mintGuest(
      server,
      grant({ lifetime: { ttl: 60, one_time: true, refresh: { allowed: true } } }),
    );
    const { refresh_token } = await mint();
    const user = await postForm(server.endpoint('acme', 'token'), {
      grant_type: 'refresh_token',
      refresh_token,
      client_id: 'dc-ui',
    });

    expect(once.status).toBe(400);
    expect(user.status).toBeGreaterThanOrEqual(400);
  });
});
