/** The trail of a guest token: what each event says, and that nobody changes it unseen. */
import { request } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { tryCommand } from '../support/command.ts';
import { basic, postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { checkTrail, type Trail } from '../support/trail.ts';
import { useServerOn } from '../support/use-server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  mintGuest,
  narrowAtLast,
  other,
  portal,
  proof,
  proofKey,
  refreshGuest,
} from './guest-support.ts';

const PORTAL_IP = '198.51.100.1';
const GATEWAY_IP = '198.51.100.2';
const BROWSER_IP = '203.0.113.9';
const from = (ip: string) => ({ 'x-forwarded-for': ip, 'user-agent': `agent of ${ip}` });
const gatewayAuth = ['gateway', 'gateway-secret'] as const;

describe.each(engines)('the trail of a guest token, on %s', (_name, open) => {
  const lines: string[] = [];
  const { engine, server } = useServerOn(open, {
    realms: [guestRealm()],
    log: lines,
    env: { DAYPASS_LOG: 'info', DAYPASS_TRUST_PROXY: '127.0.0.1/32' },
  });
  beforeEach(() => {
    lines.length = 0;
  });

  const mint = async (more: Record<string, unknown> = {}) =>
    (await mintGuest(server, grant(more), { headers: from(PORTAL_IP) })).json;
  const refreshable = { lifetime: { ttl: 600, refresh: { allowed: true } } };
  const trailOf = async (id: string): Promise<Trail> =>
    (await call(server, 'GET', `/guest-tokens/${id}/events`)).json;
  const namesOf = ({ events }: Trail) => events.map(({ event }) => event);
  const look = (token: string, form: Record<string, string> = {}) =>
    postForm(
      server.endpoint('acme', 'token/introspect'),
      { token, ...form },
      {
        auth: gatewayAuth,
        headers: from(GATEWAY_IP),
      },
    );
  /** Of the trail's lines in the log. */
  const payload = () =>
    lines.map((line) => JSON.parse(line)).filter(({ msg }: { msg?: string }) => msg === 'guest trail');
  const recordOf = async (kind: string, id: string) => {
    const found = (await engine.records('acme', kind)).find((record) => record.id === id);
    return { key: { realm: 'acme', kind, id }, value: JSON.parse(found?.value ?? '{}') };
  };
  const allStored = async () => {
    const records = ['guest-trail', 'guest-event'].map((kind) => engine.records('acme', kind));
    return (await Promise.all(records))
      .flat()
      .map(({ value }) => value)
      .join();
  };
  /** The head becomes the event before it. */
  const cutOffLast = async (id: string) => {
    const head = await recordOf('guest-trail', id);
    const before = await recordOf('guest-event', `${id}~${head.value.e.s - 1}`);
    await engine.rewrite(head.key, JSON.stringify({ ...head.value, e: before.value.e }));
    await engine.rewrite(before.key, undefined);
  };
  /** Minted, narrowed, used, denied, revoked. */
  const live = async () => {
    const { id, token } = await mint({ binding: { ip: ['203.0.113.0/24'] } });
    await call(server, 'PATCH', `/guest-tokens/${id}`, { lifetime: { ttl: 60 } });
    await look(token, { ip: BROWSER_IP });
    await trailOf(id);
    await look(token, { ip: GATEWAY_IP });
    await trailOf(id);
    await call(server, 'DELETE', `/guest-tokens/${id}`, undefined, { headers: from(PORTAL_IP) });
    return { id, token };
  };

  it('says of each event what happened to which token, who did it and from where', async () => {
    const { id, token } = await live();

    const trail = await trailOf(id);

    const [minted, narrowed, used, denied, revoked] = trail.events;
    const always = {
      token: id,
      client: 'portal',
      tenant: 'blue',
      subject: 'u_42',
      policy_hash: expect.stringMatching(/^[\w-]{43}$/),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      prev: expect.stringMatching(/^[\w-]{43}$/),
      hash: expect.stringMatching(/^[\w-]{43}$/),
    };
    const byPortal = { by: 'portal', ip: PORTAL_IP, user_agent: `agent of ${PORTAL_IP}` };
    const byGateway = { by: 'gateway', ip: GATEWAY_IP, user_agent: `agent of ${GATEWAY_IP}` };
    const ends = { expires_at: expect.any(String) };
    expect(minted).toEqual({ ...always, ...byPortal, ...ends, seq: 1, event: 'guest.minted' });
    expect(narrowed).toMatchObject({ ...always, ...ends, seq: 2, event: 'guest.narrowed', by: 'portal' });
    const reported = { reported_ip: BROWSER_IP };
    expect(used).toEqual({ ...always, ...byGateway, ...reported, seq: 3, event: 'guest.used' });
    expect(denied).toEqual({
      ...always,
      ...byGateway,
      seq: 4,
      event: 'guest.denied',
      reason: 'ip_mismatch',
      reported_ip: GATEWAY_IP,
    });
    expect(revoked).toEqual({ ...always, ...byPortal, seq: 5, event: 'guest.revoked' });
    expect(trail.head).toEqual({ seq: 5, hash: revoked?.hash });
    expect(checkTrail(id, trail)).toBe('whole');
    expect(JSON.stringify(trail)).not.toContain(token);
  });

  it('follows a token through its refreshes to the reuse of a spent one', async () => {
    const first = await mint(refreshable);
    const second = (
      await refreshGuest(server, first.refresh_token, { auth: portal, headers: from(PORTAL_IP) })
    ).json;
    const key = { realm: 'acme', kind: 't', id: sha256(first.refresh_token) };
    await engine.ageSpending(key, 11_000);
    await refreshGuest(server, first.refresh_token, { auth: portal, headers: from(BROWSER_IP) });

    const trail = await trailOf(first.id);

    const successor = String(trail.events[1]?.['successor']);
    expect(namesOf(trail)).toEqual(['guest.minted', 'guest.refreshed', 'guest.reuse_detected']);
    expect(trail.events[1]).toMatchObject({ by: 'portal', ip: PORTAL_IP });
    expect(trail.events[2]).toMatchObject({ by: 'portal', ip: BROWSER_IP });
    expect(checkTrail(first.id, trail)).toBe('whole');
    const next = await trailOf(successor);
    expect(next.events[0]).toMatchObject({
      event: 'guest.minted',
      parent: first.id,
      refreshes: first.id,
      by: 'portal',
      ip: PORTAL_IP,
    });
    expect(next.events[1]).toEqual({ event: 'guest.revoked', at: null, token: successor, derived: true });
    expect(JSON.stringify([trail, next])).not.toMatch(/dpgr?_/);
    expect(await allStored()).not.toContain(second.access_token);
  });

  it('names the browser that acts for itself, with its origin', async () => {
    const key = await proofKey();
    const opener = (await call(server, 'POST', '/guest-tokens/openers', grant(refreshable))).json.opener;
    const url = `${server.issuer('acme')}/embed/${opener}`;
    const headers = { ...from(BROWSER_IP), origin: 'https://app.example.com' };
    const dpop = await proof(key, { htm: 'POST', htu: url });
    const redeemed = await postForm(url, {}, { headers: { ...headers, dpop } });
    const { id, token } = redeemed.json;
    await postForm(server.endpoint('acme', 'revoke'), { token }, { headers });

    const trail = await trailOf(id);

    const browser = {
      by: 'holder',
      ip: BROWSER_IP,
      user_agent: `agent of ${BROWSER_IP}`,
      origin: 'https://app.example.com',
    };
    expect(namesOf(trail)).toEqual(['guest.minted', 'guest.revoked']);
    for (const event of trail.events) expect(event).toMatchObject(browser);
    expect(checkTrail(id, trail)).toBe('whole');
  });

  it('names the parent of what was made by exchange', async () => {
    const { id, token } = await mint();
    const child = await exchange(server, {
      subject: token,
      details: [detail({ actions: ['view'] })],
      headers: from(PORTAL_IP),
    });
    const jti = (await look(child.json.access_token)).json.jti;

    const trail = await trailOf(jti);

    expect(trail.events[0]).toMatchObject({ event: 'guest.minted', parent: id, ip: PORTAL_IP });
    expect(namesOf(trail)).toEqual(['guest.minted', 'guest.used']);
  });

  it('keeps of a user agent one line, and of an origin no more than that', async () => {
    const { token, id } = await mint();
    await look(token, { origin: `https://app.example.com/embed?token=${token}`, ip: 'not an address' });
    const agent = `a\tb\u0085c${'x'.repeat(10_000)}`;
    await rawDelete(`${server.issuer('acme')}/guest-tokens/${id}`, {
      authorization: basic(portal),
      'user-agent': agent,
      origin: `https://evil.example/?${token}`,
    });

    const trail = await trailOf(id);

    expect(trail.events[1]).toMatchObject({ reported_origin: 'https://app.example.com' });
    expect(trail.events[1]).not.toHaveProperty('reported_ip');
    expect(trail.events[2]).toMatchObject({
      user_agent: `a b c${'x'.repeat(251)}`,
      origin: 'https://evil.example',
    });
    expect(checkTrail(id, trail)).toBe('whole');
    expect(await allStored()).not.toContain(token);
    expect(lines.join('')).not.toContain(token);
  });

  it('is broken by whatever is changed in the store', async () => {
    const { id } = await live();
    const second = await recordOf('guest-event', `${id}~2`);
    const third = await recordOf('guest-event', `${id}~3`);
    const changed = { ...second.value, e: { ...second.value.e, i: BROWSER_IP } };
    const outcomes: string[] = [];
    const attempt = async (value: string | undefined) => {
      await engine.rewrite(second.key, value);
      outcomes.push(checkTrail(id, await trailOf(id)));
    };

    await attempt(JSON.stringify(changed));
    await attempt(JSON.stringify(third.value));
    await attempt('not JSON');
    await attempt(JSON.stringify(second.value));
    await attempt(undefined);

    expect(outcomes).toEqual(['gap at 3', 'gap at 3', 'gap at 3', 'whole', 'gap at 3']);
  });

  it('has its witness in the log, also against an end that was cut off', async () => {
    const { id } = await live();
    const before = await trailOf(id);
    const anchors = payload().filter(({ guest }) => guest === id);
    expect(anchors.map(({ event, seq, hash }) => ({ event, seq, hash }))).toEqual(
      before.events.map(({ event, seq, hash }) => ({ event, seq, hash })),
    );
    expect(anchors[0]).toMatchObject({ realm: 'acme', client: 'portal' });
    expect(JSON.stringify(anchors)).not.toMatch(/u_42|blue|198\.51/);

    await cutOffLast(id);

    const after = await trailOf(id);
    expect(checkTrail(id, after)).toBe('whole');
    expect(after.head?.hash).toBe(anchors.at(-2)?.hash);
  });

  it('is checked by a command, with a hash of the log against a cut end', async () => {
    const { id } = await live();
    const last = (await trailOf(id)).head?.hash;
    const env = { DAYPASS_STORE: engine.url, DAYPASS_KEY: Buffer.alloc(32, 7).toString('base64') };
    const run = (token: string, ...more: readonly string[]) =>
      tryCommand(['token', 'trail', '--realm', 'acme', '--token', token, ...more], { env });

    const whole = await run(id, `--hash=${last}`);
    await cutOffLast(id);
    const [alone, compared] = [await run(id), await run(id, `--hash=${last}`)];
    await engine.rewrite({ realm: 'acme', kind: 'guest-event', id: `${id}~3` }, undefined);
    const [broken, unknown] = [await run(id), await run('gt_nobody')];

    expect([whole.code, whole.stdout]).toEqual([0, expect.stringContaining(`whole: ends with 5 ${last}`)]);
    expect(whole.stdout.split('\n')[0]).toMatch(/^1\t\S+\tguest.minted\tportal\t198\.51\.100\.1\t-\t/);
    expect([alone.code, alone.stdout]).toEqual([0, expect.stringContaining('whole: ends with 4 ')]);
    expect([compared.code, compared.stdout]).toEqual([1, expect.stringContaining('broken: no event has')]);
    expect([broken.code, broken.stdout]).toEqual([1, expect.stringContaining('broken: event 4')]);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('has no trail')]);
  });

  it('takes in everybody who comes at once', async () => {
    const { id } = await mint();
    const change = { lifetime: { max_uses: 1000 } };

    const answers = await Promise.all(Array.from({ length: 20 }, () => narrowAtLast(server, id, change)));

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    const trail = await trailOf(id);
    expect(checkTrail(id, trail)).toBe('whole');
    expect(namesOf(trail).filter((name) => name === 'guest.narrowed')).toHaveLength(20);
  });

  it('cannot be filled by revoking again and again', async () => {
    const { id, token } = await mint();

    await Promise.all(
      Array.from({ length: 20 }, () => postForm(server.endpoint('acme', 'revoke'), { token })),
    );
    await call(server, 'DELETE', `/guest-tokens/${id}`);

    expect(namesOf(await trailOf(id))).toEqual(['guest.minted', 'guest.revoked']);
  });

  it('tells a cut of many from the state of the token, outside the chain', async () => {
    const { id } = await mint({ label: 'of a campaign' });
    await call(server, 'POST', '/guest-tokens/revoke', { label: 'of a campaign' });

    const trail = await trailOf(id);

    expect(trail.events[1]).toEqual({ event: 'guest.revoked', at: null, token: id, derived: true });
    expect(trail.head).toMatchObject({ seq: 1 });
    expect(checkTrail(id, trail)).toBe('whole');
  });

  it('is there when the token is forgotten, for its client only', async () => {
    const { id, token } = await mint();
    await engine.rewrite({ realm: 'acme', kind: 't', id: sha256(token) }, undefined);
    expect((await call(server, 'GET', `/guest-tokens/${id}`)).status).toBe(404);

    const trail = await trailOf(id);

    expect(namesOf(trail)).toEqual(['guest.minted']);
    const strange = await call(server, 'GET', `/guest-tokens/${id}/events`, undefined, { auth: other });
    const unknown = await call(server, 'GET', '/guest-tokens/gt_unknown/events');
    expect([strange.status, strange.json]).toEqual([404, unknown.json]);
  });

  it('goes on after events that an older version wrote at length', async () => {
    const { id } = await live();
    const before = await trailOf(id);
    const [newest] = before.events.slice(-1);
    await engine.rewrite(
      { realm: 'acme', kind: 'guest-trail', id },
      JSON.stringify({ v: 1, event: newest, noted: { 'guest.revoked': { at: 1, times: 1 } } }),
    );
    await engine.rewrite(
      { realm: 'acme', kind: 'guest-event', id: `${id}~2` },
      JSON.stringify({ v: 1, event: before.events[1] }),
    );
    await call(server, 'DELETE', `/guest-tokens/${id}`);

    const after = await trailOf(id);

    expect(after).toEqual(before);
    expect(checkTrail(id, after)).toBe('whole');
  });

  it('shows what an older version wrote, and goes on as a chain', async () => {
    const { id } = await mint();
    await engine.rewrite({ realm: 'acme', kind: 'guest-trail', id }, undefined);
    const index = { realm: 'acme', kind: 'guest-events', id };
    const member = JSON.stringify({ event: 'guest.minted', at: 1_700_000_000, client: 'portal', nonce: 'x' });
    await server.services.store.commit([{ index, member, ttl: 600 }]);
    await call(server, 'DELETE', `/guest-tokens/${id}`);

    const trail = await trailOf(id);

    expect(trail.events[0]).toEqual({
      event: 'guest.minted',
      at: '2023-11-14T22:13:20.000Z',
      client: 'portal',
    });
    expect(trail.events[1]).toMatchObject({ event: 'guest.revoked', seq: 1, client: 'portal' });
    expect(checkTrail(id, trail)).toBe('whole');
  });

  it('has no place for what was refused: the log has', async () => {
    const tenant = 'a tenant of ours';
    const beyond = grant({
      subject: { tenant, id: 'u_42' },
      resources: [{ type: 'embed', id: 'e', actions: ['view'], rows: 'all' }],
    });
    const before = (await engine.records('acme', 'guest-trail')).length;

    const answer = await mintGuest(server, beyond, { headers: from(PORTAL_IP) });

    expect(answer.status).toBe(403);
    expect(payload()).toEqual([
      expect.objectContaining({
        event: 'guest.refused',
        realm: 'acme',
        client: 'portal',
        refusal: 'access_denied',
        pointer: '/resources/0/type',
        ip: PORTAL_IP,
        user_agent: `agent of ${PORTAL_IP}`,
      }),
    ]);
    expect(lines.join('')).not.toContain(tenant);
    expect(await engine.records('acme', 'guest-trail')).toHaveLength(before);
  });
});

/** `fetch` refuses header values that `node:http` sends. */
async function rawDelete(url: string, headers: Record<string, string>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request(url, { method: 'DELETE', headers }, (response) => response.resume().on('end', resolve))
    .on('error', reject)
    .end();
  await promise;
}
