/** Single use under concurrency: RFC 6749 §4.1.2, RFC 9126 §7.3, RFC 8628 §3.5, RFC 9700 §2.1.1 and §4.14.2. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { approveDevice, createAgent, obtainCode } from '../support/browserless.ts';
import { type Answer, postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { acme, gateway } from '../support/realms.ts';
import { useServerOn } from '../support/use-server.ts';

const rounds = Array.from({ length: 15 }, (_, i) => i);
const atOnce = 20;
const oneWinner = [200, ...Array.from({ length: atOnce - 1 }, () => 400)];

const callback = 'http://localhost:3000/demo/callback';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const web = ['web', 'web-secret'] as const;

const realm = acme({
  clients: [
    ...acme().clients,
    { id: 'tv', public: true, firstParty: true, grants: [deviceGrant, 'refresh_token'] },
    {
      id: 'web',
      secret: 'web-secret',
      firstParty: true,
      grants: ['authorization_code', 'refresh_token'],
      redirectUris: [callback],
    },
  ],
});

describe.each(engines)('on %s', (_name, open) => {
  const { engine, server } = useServerOn(open, { realms: [realm] });

  const many = (send: () => Promise<Answer>) => Promise.all(Array.from({ length: atOnce }, send));
  const token = (form: Readonly<Record<string, string>>, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, auth && { auth });
  const refresh = (value: string) =>
    token({ grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: value });
  const isActive = async (value: string): Promise<boolean> =>
    (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json
      .active;
  /** As if `seconds` had passed since a record was spent. */
  const passSince = (kind: string, value: string, seconds: number) =>
    engine.ageSpending({ realm: 'acme', kind, id: sha256(value) }, seconds * 1000);

  async function expectOneWinner(answers: readonly Answer[]) {
    expect(answers.map(({ status }) => status).sort()).toEqual(oneWinner);
    const losers = answers.filter(({ status }) => status !== 200);
    expect(losers.map(({ json }) => json.error)).toEqual(losers.map(() => 'invalid_grant'));
    const winner = answers.find(({ status }) => status === 200)?.json;
    expect(await isActive(winner.access_token)).toBe(true);
    return winner;
  }

  describe('a code', () => {
    it('is redeemed once, for tokens that work, however many try at once', async () => {
      const { agent } = await obtainCode(server, { realm: 'acme' });
      for (const _ of rounds) {
        const { form } = await obtainCode(server, { realm: 'acme', agent });

        const answers = await many(() => token(form));

        const winner = await expectOneWinner(answers);
        expect(await refresh(winner.refresh_token)).toMatchObject({ status: 200 });
      }
    });

    it('that is replayed at once is refused, and what it gave goes on working', async () => {
      const { form } = await obtainCode(server, { realm: 'acme' });
      const first = await token(form);

      const second = await token(form);

      expect(second).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await isActive(first.json.access_token)).toBe(true);
    });

    it('that is replayed later is refused and kills all that came of it', async () => {
      const { form, code } = await obtainCode(server, { realm: 'acme' });
      const first = await token(form);
      const refreshed = await refresh(first.json.refresh_token);
      await passSince('code', code, 2);

      const replay = await token(form);

      expect(replay).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await isActive(first.json.access_token)).toBe(false);
      expect(await isActive(refreshed.json.access_token)).toBe(false);
      expect(await refresh(refreshed.json.refresh_token)).toMatchObject({ status: 400 });
    });

    it('kills nothing when it is replayed by somebody without its verifier', async () => {
      const { form, code } = await obtainCode(server, { realm: 'acme' });
      const first = await token(form);
      await passSince('code', code, 2);

      const replay = await token({ ...form, code_verifier: 'x'.repeat(43) });

      expect(replay).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await isActive(first.json.access_token)).toBe(true);
    });
  });

  it('spends a pushed request once, at the answer, however many come with it at once', async () => {
    const { agent } = await obtainCode(server, { realm: 'acme' });
    for (const _ of rounds) {
      const pushed = await postForm(server.endpoint('acme', 'ext/par/request'), {
        client_id: 'dc-ui',
        redirect_uri: callback,
        response_type: 'code',
        scope: 'openid',
        code_challenge: sha256('v'.repeat(43)),
        code_challenge_method: 'S256',
      });
      const query = new URLSearchParams({ client_id: 'dc-ui', request_uri: pushed.json.request_uri });

      const answers = await many(() => agent.open(`${server.endpoint('acme', 'auth')}?${query}`));

      const landed = answers.map(
        ({ headers }) => new URL(headers.get('location') ?? 'about:blank').searchParams,
      );
      const codes = landed.flatMap((params) => params.get('code') ?? []);
      expect(codes).toHaveLength(1);
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      const form = { grant_type: 'authorization_code', client_id: 'dc-ui', redirect_uri: callback };
      const redeemed = await token({ ...form, code: codes[0] ?? '', code_verifier: 'v'.repeat(43) });
      expect(redeemed).toMatchObject({ status: 200 });
    }
  });

  it('does not spend a pushed request when its page is only opened', async () => {
    const { agent } = await obtainCode(server, { realm: 'acme' });
    const request = {
      client_id: 'dc-ui',
      redirect_uri: callback,
      response_type: 'code',
      code_challenge: sha256('v'.repeat(43)),
      code_challenge_method: 'S256',
    };
    const pushed = await postForm(server.endpoint('acme', 'ext/par/request'), request);
    const query = new URLSearchParams({ client_id: 'dc-ui', request_uri: pushed.json.request_uri });
    const address = `${server.endpoint('acme', 'auth')}?${query}`;

    await createAgent(server.url).open(address);
    await createAgent(server.url).open(address);
    const answer = await agent.open(address);

    expect(answer.headers.get('location')).toContain('code=');
  });

  it('redeems a device code once, for tokens that work, however many poll at once', async () => {
    for (const _ of rounds.slice(0, 5)) {
      const asked = await postForm(server.endpoint('acme', 'auth/device'), {
        client_id: 'tv',
        scope: 'openid',
      });
      await approveDevice(server, { realm: 'acme' }, asked.json.user_code);
      const form = { grant_type: deviceGrant, client_id: 'tv', device_code: asked.json.device_code };

      const answers = await many(() => token(form));

      const winner = await expectOneWinner(answers);
      const refreshed = { grant_type: 'refresh_token', client_id: 'tv', refresh_token: winner.refresh_token };
      expect(await token(refreshed)).toMatchObject({ status: 200 });
    }
  });

  describe('a refresh token of a public client', () => {
    const logIn = async () => (await token((await obtainCode(server, { realm: 'acme' })).form)).json;

    it('has one successor, which works, however many ask at once', async () => {
      let current: string = (await logIn()).refresh_token;
      for (const _ of rounds) {
        const answers = await many(() => refresh(current));

        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
        const successors = new Set<string>(answers.map(({ json }) => json.refresh_token));
        expect(successors.size).toBe(1);
        const active = await Promise.all(answers.map(({ json }) => isActive(json.access_token)));
        expect(active).toEqual(answers.map(() => true));
        const [successor = ''] = successors;
        expect(successor).not.toBe(current);
        current = successor;
      }
    });

    it('answers a retry with the same successor until that is used, which ends the chain', async () => {
      const { refresh_token: first } = await logIn();
      const second = (await refresh(first)).json.refresh_token;
      const retry = await refresh(first);
      const third = (await refresh(second)).json.refresh_token;

      const late = await refresh(first);

      expect(retry).toMatchObject({ status: 200, json: { refresh_token: second } });
      expect(late).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await refresh(third)).toMatchObject({ status: 400 });
    });

    it('that is used after the grace is refused and kills its family', async () => {
      const login = await logIn();
      const first = await refresh(login.refresh_token);
      const second = await refresh(first.json.refresh_token);
      await passSince('t', login.refresh_token, 11);

      const reuse = await refresh(login.refresh_token);

      expect(reuse).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      const given = [login.access_token, first.json.access_token, second.json.access_token];
      expect(await Promise.all(given.map(isActive))).toEqual([false, false, false]);
      expect(await refresh(second.json.refresh_token)).toMatchObject({ status: 400 });
    });

    it('is only for the client that it was given to', async () => {
      const { refresh_token } = await logIn();

      const stolen = await token({ grant_type: 'refresh_token', client_id: 'tv', refresh_token });

      expect(stolen).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await refresh(refresh_token)).toMatchObject({ status: 200 });
    });
  });

  describe('a refresh token of a confidential client', () => {
    const ask = (value: string) => token({ grant_type: 'refresh_token', refresh_token: value }, web);
    const expiryOf = async (value: string): Promise<number> =>
      (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: web })).json.exp;
    const setLifetimes = (lifetimes: { refreshTokenIdle: number; refreshTokenMax: number }) =>
      server.services.registry.updateRealm('acme', (settings) => ({
        ...settings,
        lifetimes: { ...settings.lifetimes, ...lifetimes },
      }));
    const logIn = async () => {
      const { form } = await obtainCode(server, { realm: 'acme', clientId: 'web' });
      return (await token(form, web)).json;
    };

    it('stays, and each use renews its life up to its absolute end', async () => {
      await setLifetimes({ refreshTokenIdle: 100, refreshTokenMax: 10_000 });
      const { refresh_token: value } = await logIn();
      const issued = await expiryOf(value);
      await setLifetimes({ refreshTokenIdle: 1000, refreshTokenMax: 10_000 });
      const renewed = await ask(value);
      const longer = await expiryOf(value);
      await setLifetimes({ refreshTokenIdle: 1000, refreshTokenMax: 500 });
      const capped = await ask(value);

      expect([renewed.json.refresh_token, capped.json.refresh_token]).toEqual([value, value]);
      expect(longer).toBeGreaterThanOrEqual(issued + 900);
      expect(await expiryOf(value)).toBeLessThanOrEqual(issued + 400);
      expect(capped.json.refresh_expires_in).toBeLessThanOrEqual(500);
      await setLifetimes({ refreshTokenIdle: 86_400, refreshTokenMax: 2_592_000 });
    });

    it('serves many at once', async () => {
      const { refresh_token: value } = await logIn();

      const answers = await many(() => ask(value));

      expect(answers.map(({ json }) => json.refresh_token)).toEqual(answers.map(() => value));
      const active = await Promise.all(answers.map(({ json }) => isActive(json.access_token)));
      expect(active).toEqual(answers.map(() => true));
    });
  });
});
