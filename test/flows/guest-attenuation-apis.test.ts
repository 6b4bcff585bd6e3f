/** A guest token made from a guest token is for no API, and read in no way, that its parent is not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, basic, postForm } from '../support/http.ts';
import { analytics, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  detail,
  EXCHANGE,
  exchange,
  grant,
  guestRealm,
  introspect,
  JWT,
  mintGuest,
  mints,
  ownToken,
  portal,
  session,
} from './guest-support.ts';

const both = { mints: { ...mints, apis: ['analytics', 'warehouse'] } };
const warehouseGate = ['warehouse-gate', 'gate-secret'] as const;

describe('the APIs of a narrowed guest token', () => {
  let server: TestServer;
  let user: string;
  let narrowOne: string;
  let ofBoth: string;
  let elsewhere: string;

  beforeAll(async () => {
    const clients = [{ id: 'warehouse-gate', secret: 'gate-secret', introspects: ['warehouse'] }];
    server = await startTestServer({ realms: [guestRealm({}, { portal: both, clients })] });
    user = (await postForm(server.endpoint('acme', 'token'), george)).json.access_token;
    narrowOne = (await exchangeFor(user, [], [detail({ rows: 'all' })])).json.access_token;
    const own = await ownToken(server);
    ofBoth = (
      await exchangeFor(own, [
        ['audience', 'warehouse'],
        ['audience', 'analytics'],
      ])
    ).json.access_token;
    elsewhere = (await exchangeFor(own, [['audience', 'warehouse']])).json.access_token;
  });
  afterAll(() => server?.stop());

  type Pairs = readonly (readonly [string, string])[];

  async function exchangeFor(
    subject: string,
    more: Pairs = [],
    details: unknown = [detail(), session()],
  ): Promise<Answer> {
    const form = new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      authorization_details: JSON.stringify(details),
    });
    for (const [name, value] of more) form.append(name, value);
    const response = await fetch(server.endpoint('acme', 'token'), {
      method: 'POST',
      headers: { authorization: basic(portal) },
      body: form,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
  }

  const childOf = (parent: string, more: Pairs = [], details: unknown = [detail()]) =>
    exchangeFor(parent, more, details);
  const audienceOf = async (token: string) => (await introspect(server, token, {}, portal)).json.aud;

  it.each<[string, Pairs]>([
    ['another audience', [['audience', 'warehouse']]],
    ['another resource', [['resource', warehouse]]],
    [
      'its own and another',
      [
        ['audience', 'analytics'],
        ['audience', 'warehouse'],
      ],
    ],
    [
      'its own, and another as resource',
      [
        ['audience', 'analytics'],
        ['resource', warehouse],
      ],
    ],
  ])('are not widened by %s', async (_what, more) => {
    const details = [detail({ rows: 'all' })];

    const answer = await childOf(narrowOne, more, details);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
  });

  it('are those of the parent unless some are named', async () => {
    const [first, second] = [await childOf(elsewhere), await childOf(ofBoth)];

    expect(await audienceOf(first.json.access_token)).toBe(warehouse);
    expect(await audienceOf(second.json.access_token)).toEqual([warehouse, analytics]);
  });

  it('may be fewer, and stay so', async () => {
    const child = await childOf(ofBoth, [['audience', 'analytics']]);
    const back = await childOf(child.json.access_token, [['audience', 'warehouse']]);

    expect(await audienceOf(child.json.access_token)).toBe(analytics);
    expect(await introspect(server, child.json.access_token, {}, warehouseGate)).toMatchObject({
      json: { active: false },
    });
    expect(back).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
  });

  it('are the only places of its resources', async () => {
    const there = [detail({ locations: [warehouse] })];
    const [foreign, own] = [await childOf(narrowOne, [], there), await childOf(ofBoth, [], there)];

    expect(foreign).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
    expect(own.status).toBe(200);
  });

  it("are the only places of what a user's token is exchanged for", async () => {
    const details = [detail({ rows: 'all', locations: [warehouse] })];

    const answer = await exchangeFor(user, [], details);

    // The subject has no permission there.
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
  });

  it('cannot be got at by a token that reads itself, past what only introspection counts', async () => {
    const counted = (await mintGuest(server, grant({ lifetime: { ttl: 600, max_uses: 3 } }))).json.token;
    const free = (await mintGuest(server)).json.token;
    const more = { requested_token_type: JWT };
    const signed = (subject: string) => exchange(server, { subject, details: [detail()], more });

    expect(await signed(counted)).toMatchObject({
      status: 400,
      json: { error: 'invalid_authorization_details' },
    });
    expect((await signed(free)).status).toBe(200);
  });
});
