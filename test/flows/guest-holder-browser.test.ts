/** What a page of a foreign origin does with a guest token of its own, in a real browser: no client, no cookie. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Site, startSite } from '../support/site.ts';
import { call, grant, guestRealm, introspect } from './guest-support.ts';

let server: TestServer;
let site: Site;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  server = await startTestServer({ realms: [guestRealm()] });
  // Another site than the server, and registered by no client.
  site = await startSite((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>product</title>');
  });
  browser = await launchChromium();
  page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  await page.goto(site.origin);
});
afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

async function opened(): Promise<Answer> {
  const body = grant({ lifetime: { ttl: 60, refresh: { allowed: true } } });
  const { json } = await call(server, 'POST', '/guest-tokens/openers', body);
  return page.evaluate(send, { url: json.url, body: '' });
}

describe('a page of a foreign origin', () => {
  it('redeems an opener with a key of its own', async () => {
    const { status, json } = await opened();

    expect([status, json['token_type']]).toEqual([201, 'DPoP']);
  });

  it('refreshes its token with a proof of the key', async () => {
    const { json } = await opened();
    const refresh = { grant_type: 'refresh_token', refresh_token: json['refresh_token'] ?? '' };

    const renewed = await page.evaluate(send, { url: server.endpoint('acme', 'token'), body: form(refresh) });

    expect([renewed.status, renewed.json['token_type']]).toEqual([200, 'DPoP']);
  });

  it('gives its token up, with or without a proof', async () => {
    const url = server.endpoint('acme', 'revoke');
    for (const isProven of [true, false]) {
      const token = (await opened()).json['token'] ?? '';

      const given = await page.evaluate(send, { url, body: form({ token }), isProven });

      expect(given).toEqual({ status: 200, json: {} });
      expect((await introspect(server, token)).json).toMatchObject({
        active: false,
        guest_reason: 'revoked',
      });
    }
  });

  it('cannot read what a client is told, nor send credentials', async () => {
    const url = server.endpoint('acme', 'token');
    const login = form({
      client_id: 'dc-ui',
      grant_type: 'password',
      username: 'george.becker',
      password: 'my_password',
    });
    const basic = { authorization: 'Basic cG9ydGFsOnBvcnRhbC1zZWNyZXQ=' };
    const own = form({ grant_type: 'client_credentials' });

    await expect(page.evaluate(send, { url, body: login })).rejects.toThrow('Failed to fetch');
    await expect(page.evaluate(send, { url, body: own, headers: basic })).rejects.toThrow('Failed to fetch');
    await expect(page.evaluate(send, { url, body: own, isCredentialed: true })).rejects.toThrow(
      'Failed to fetch',
    );
  });
});

type Answer = { readonly status: number; readonly json: Record<string, string> };
type Sent = {
  readonly url: string;
  readonly body: string;
  readonly isProven?: boolean;
  readonly isCredentialed?: boolean;
  readonly headers?: Record<string, string>;
};

/** Runs in the page, which keeps one key for all it does. */
async function send({ url, body, isProven = true, isCredentialed = false, headers }: Sent): Promise<Answer> {
  const encode = (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');
  const json = (value: object) => encode(new TextEncoder().encode(JSON.stringify(value)));
  const held = globalThis as { pair?: CryptoKeyPair };
  held.pair ??= await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', held.pair.publicKey);
  const head = json({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  const iat = Math.floor(Date.now() / 1000);
  const claims = json({ jti: crypto.randomUUID(), iat, htm: 'POST', htu: url });
  const text = new TextEncoder().encode(`${head}.${claims}`);
  const signed = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, held.pair.privateKey, text);
  const answer = await fetch(url, {
    method: 'POST',
    credentials: isCredentialed ? 'include' : 'omit',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(isProven ? { dpop: `${head}.${claims}.${encode(signed)}` } : {}),
      ...headers,
    },
    body,
  });
  return { status: answer.status, json: await answer.json() };
}
