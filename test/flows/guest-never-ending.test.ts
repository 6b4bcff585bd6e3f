/** `lifetime.ttl: null`, whichever door it comes through: only what nobody reads without asking may have no end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  detail,
  exchange,
  grant,
  guestRealm,
  JWT,
  mintGuest,
  mints,
  ownToken,
  session,
} from './guest-support.ts';

const never = { ttl: null };
const asJwt = { requested_token_type: JWT };

describe('a guest token without an end', () => {
  let server: TestServer;
  beforeAll(async () => {
    const portal = { mints: { ...mints, allowNonExpiring: true } };
    server = await startTestServer({
      realms: [guestRealm({ guests: { allowNonExpiring: true } }, { portal })],
    });
  });
  afterAll(() => server?.stop());

  const ask = (subject: string, more = {}) =>
    exchange(server, { subject, details: [detail(), session({ lifetime: never })], more });

  it('is opaque', async () => {
    const answer = await ask(await ownToken(server));

    expect(answer.status).toBe(200);
    expect(answer.json).not.toHaveProperty('expires_in');
  });

  it('is no JWT that a client exchanges its own token for', async () => {
    const answer = await ask(await ownToken(server), asJwt);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
  });

  it('is no JWT made from a guest token without an end', async () => {
    const parent = (await mintGuest(server, grant({ lifetime: never }))).json.token;

    expect(await ask(parent, asJwt)).toMatchObject({
      status: 400,
      json: { error: 'invalid_authorization_details' },
    });
    expect((await ask(parent)).status).toBe(200);
  });

  it.each(['jwt', 'jwt_reference', 'jwe'])('is not minted as %s', async (format) => {
    const answer = await mintGuest(server, grant({ lifetime: never, format }));

    expect(answer.status).toBe(400);
  });
});
