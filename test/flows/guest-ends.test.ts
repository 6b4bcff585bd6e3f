/** The end of a guest as a moment: asked for at minting, and told wherever the token is. */
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  ownToken,
  proof,
  proofKey,
  session,
} from './guest-support.ts';

const iso = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

describe('the end of a guest', () => {
  const server = useServer({ realms: [guestRealm()] });
  const inAnHour = () => Math.floor(server.services.clock() / 1000) + 3600;

  it('is told by minting, exchange, list and detail alike', async () => {
    const minted = (await mintGuest(server)).json;
    const details = [detail(), session()];
    const exchanged = (await exchange(server, { subject: await ownToken(server), details })).json;
    const { exp } = (await introspect(server, minted.token)).json;
    const seen = (await introspect(server, exchanged.access_token)).json;

    const shown = (await call(server, 'GET', `/guest-tokens/${minted.id}`)).json;
    const list = (await call(server, 'GET', '/guest-tokens')).json.guest_tokens;

    expect([minted.expires_at, shown.expires_at]).toEqual([iso(exp), iso(exp)]);
    expect(list.find((one: { id: string }) => one.id === minted.id).expires_at).toBe(iso(exp));
    expect(exchanged.expires_at).toBe(iso(seen.exp));
  });

  it('can be asked for instead of a life, at both doors and with any zone', async () => {
    const end = inAnHour();
    const lifetime = { expires_at: new Date((end + 7200) * 1000).toISOString().replace('Z', '+02:00') };

    const minted = (await mintGuest(server, grant({ lifetime }))).json;
    const details = [
      detail(),
      session({ lifetime: { expires_at: `${iso(end).slice(0, -1)}.900Z`, idle: 900 } }),
    ];
    const exchanged = (await exchange(server, { subject: await ownToken(server), details })).json;

    expect(minted.expires_at).toBe(iso(end));
    expect(exchanged.expires_at).toBe(iso(end));
    expect((await introspect(server, minted.token)).json.exp).toBe(end);
  });

  it('is that of what an opener gives, however late it is redeemed', async () => {
    const end = inAnHour();
    const order = grant({ lifetime: { expires_at: iso(end) } });
    const { url } = (await call(server, 'POST', '/guest-tokens/openers', order)).json;
    const DPoP = await proof(await proofKey(), { htm: 'POST', htu: url });

    const redeemed = await postForm(url, {}, { headers: { DPoP } });

    expect(redeemed.json.expires_at).toBe(iso(end));
  });

  it('is never after that of the token that it is made from', async () => {
    const end = inAnHour();
    const parent = (await mintGuest(server, grant({ lifetime: { expires_at: iso(end) } }))).json.token;
    const until = (seconds: number) =>
      exchange(server, {
        subject: parent,
        details: [detail(), { type: 'embed_session', lifetime: { expires_at: iso(seconds) } }],
      });

    expect((await until(end - 60)).json.expires_at).toBe(iso(end - 60));
    expect((await until(end + 60)).json.error).toBe('invalid_authorization_details');
  });

  it.each<[string, (end: number) => object, string]>([
    ['is over', (end) => ({ expires_at: iso(end - 7200) }), '/lifetime/expires_at'],
    ['is later than the realm allows', (end) => ({ expires_at: iso(end + 86_400) }), '/lifetime/expires_at'],
    ['has no zone', (end) => ({ expires_at: iso(end).slice(0, -1) }), '/lifetime/expires_at'],
    ['stands beside a life', (end) => ({ expires_at: iso(end), ttl: 60 }), '/lifetime/expires_at'],
    ['comes before the idle time', (end) => ({ expires_at: iso(end), idle: 4000 }), '/lifetime/idle'],
  ])('is refused where it %s', async (_what, lifetime, pointer) => {
    const answer = await mintGuest(server, grant({ lifetime: lifetime(inAnHour()) }));

    expect(answer.status).toBe(400);
    expect(answer.json.errors).toEqual([expect.objectContaining({ pointer })]);
  });
});
