/** One reading of a body, whichever code answers, and no text of a caller's that is normalised before it is bounded. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { requestUrl } from '../support/authorization.ts';
import { type Answer, basic, postForm } from '../support/http.ts';
import { acme, engine, george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, formOf } from '../support/visitor.ts';

let server: TestServer;
beforeAll(async () => {
  const backend = {
    id: 'backend',
    secret: 'backend-secret',
    grants: ['urn:openid:params:grant-type:ciba'],
    backchannelTokenDeliveryMode: 'poll',
  };
  server = await startTestServer({
    realms: [acme({ registration: { open: true }, clients: [...acme().clients, backend] })],
  });
});
afterAll(() => server?.stop());
afterEach(() => {
  vi.restoreAllMocks();
});

/** `Accept` with "jwt" in it sends a request to the library; JSON stays what is preferred. */
const toLibrary = { accept: 'application/json, application/x-jwt;q=0.1' };
const asEngine = { authorization: basic(engine) };

const serviceToken = (body: string, headers: Record<string, string> = {}, query = '') =>
  postForm(`${server.endpoint('acme', 'token')}${query}`, body, { headers: { ...asEngine, ...headers } });

describe('a form', () => {
  const cases: readonly [what: string, body: string, status: number, query?: string][] = [
    ['is a form', 'grant_type=client_credentials', 200],
    ['has a question mark before the first name', '?grant_type=client_credentials', 400],
    ['has a question mark before another name', 'grant_type=client_credentials&?scope=a', 200],
    ['has its grant type in the address', 'scope=reports:read', 400, '?grant_type=client_credentials'],
    ['has another scope in the address', 'grant_type=client_credentials', 200, '?scope=no:such'],
    ['begins and ends with separators', '&&grant_type=client_credentials&', 200],
    ['has 1,000 fields', `grant_type=client_credentials${fields(999)}`, 200],
    ['has 1,001 fields', `grant_type=client_credentials${fields(1000)}`, 400],
    ['has a secret that is too long', `grant_type=client_credentials&client_secret=${'x'.repeat(1025)}`, 400],
  ];

  it.each(cases)('that %s has one answer on both paths', async (_what, body, status, query = '') => {
    const answers = [
      await serviceToken(body, {}, query),
      await serviceToken(body, toLibrary, query),
      await serviceToken(body, { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }, query),
    ];

    expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
    expect(new Set(answers.map(({ json }) => json.scope)).size).toBe(1);
  });

  it('is read as UTF-8, whatever charset the request names', async () => {
    const type = 'application/x-www-form-urlencoded;charset=utf-16le';

    const answer = await serviceToken('grant_type=client_credentials', { 'content-type': type });

    expect(answer.status).toBe(200);
  });
});

function fields(count: number): string {
  return Array.from({ length: count }, (_, index) => `&f${index}=1`).join('');
}

describe('JSON with a member twice', () => {
  it.each([
    ['a name twice', '{"redirect_uris":["https://a.example/cb"],"client_name":"a","client_name":"b"}'],
    ['a member of a member twice', '{"redirect_uris":["https://a.example/cb"],"jwks":{"keys":[],"keys":[]}}'],
  ])('registers no client: %s', async (_what, body) => {
    const url = `${server.issuer('acme')}/clients-registrations/openid-connect`;

    const answer = await postForm(url, body, { headers: { 'content-type': 'application/json' } });

    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request']);
  });
});

/** The text that takes a normaliser longest: marks of two classes that it must put in order. */
const marks = (bytes: number) => {
  const count = Math.floor(bytes / 4);
  return `a${'\u0345'.repeat(count)}${'\u0300'.repeat(count)}`;
};

/** Records the longest text that is normalised meanwhile. */
function watchNormalize(): () => number {
  let longest = 0;
  const original = String.prototype.normalize;
  vi.spyOn(String.prototype, 'normalize').mockImplementation(function normalize(this: string, form?: string) {
    longest = Math.max(longest, this.length);
    return original.call(this, form);
  });
  return () => longest;
}

/** More than this is not normalised: the longest password, in UTF-16 code units. */
const LONGEST = 2048;

describe('a text as long as the body allows', () => {
  /** Percent-encoding triples each byte. */
  const text = marks(18_000);

  it.each<[string, () => Promise<Answer>, readonly number[]]>([
    ['a user name', () => postForm(server.endpoint('acme', 'token'), { ...george, username: text }), [400]],
    ['a password', () => postForm(server.endpoint('acme', 'token'), { ...george, password: text }), [400]],
    [
      'a login hint',
      () =>
        postForm(
          server.endpoint('acme', 'ext/ciba/auth'),
          { scope: 'openid', login_hint: text },
          { auth: ['backend', 'backend-secret'] },
        ),
      [400],
    ],
    ['a user name at the login page', () => login({ username: text, password: 'x' }), [400]],
    ['a password at the login page', () => login({ username: 'george.becker', password: text }), [400]],
  ])('is refused before it is normalised: %s', async (_what, send, statuses) => {
    const longest = watchNormalize();

    const answer = await send();

    expect(statuses).toContain(answer.status);
    expect(longest()).toBeLessThanOrEqual(LONGEST);
  });

  it('that is a little longer than any login is nobody’s, and not normalised', async () => {
    const longest = watchNormalize();

    const outcome = await server.services.authenticator.password(await realm(), {
      login: marks(8000),
      password: 'x',
    });

    expect(outcome).toEqual({ ok: false, reason: 'credentials' });
    expect(longest()).toBeLessThanOrEqual(LONGEST);
  });

  it('is 413 at the login page when the body is over 64 KiB', async () => {
    const answer = await login({ username: 'george.becker', password: 'x'.repeat(65_536) });

    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close']);
  });
});

async function realm() {
  const view = await server.services.registry.findRealm('acme');
  if (view === undefined) throw new Error('there is no realm');
  return view;
}

async function login(filled: Record<string, string>): Promise<Answer> {
  const visitor = createVisitor(server.url);
  const client = { realm: 'acme', clientId: 'dc-ui', redirectUri: 'http://localhost:3000/demo/callback' };
  const page = await visitor.open(requestUrl(server, client));
  const form = formOf(page, '');
  return visitor.post(form.action, { ...form.fields, ...filled });
}
