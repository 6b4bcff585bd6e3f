/** A realm with a chain of APIs (shop → orders → ledger), and the requests of ordinary token exchanges between them. */
import { type Answer, postForm } from '../support/http.ts';
import type { TestServer } from '../support/server.ts';

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const REFRESH_TOKEN = 'urn:ietf:params:oauth:token-type:refresh_token';
export const JWT = 'urn:ietf:params:oauth:token-type:jwt';

export const audienceOf = (api: string): string => `https://${api}.co.test`;
const api = (id: string, names: readonly string[], more: object = {}) => ({
  id,
  audience: audienceOf(id),
  permissions: names.map((name) => ({ name })),
  ...more,
});
const secretOf = (id: string): string => `${id}-secret`;
export const by = (id: string): readonly [string, string] => [id, secretOf(id)];

export const buyer = {
  name: 'buyer',
  permissions: [
    'shop:cart:read',
    'shop:cart:write',
    'orders:orders:read',
    'orders:orders:write',
    'ledger:book',
    'boards:dashboards:read',
  ],
};
export const bert = { username: 'bert', password: 'bert-password-1' };
export const callback = 'https://app.example/callback';

/**
 * `shop` calls `orders`, which calls `ledger` and `shop`. `ui` is first-party and `third` is not; `robot` is a service
 * with a ceiling, `freight` one without; `gateway` introspects everything; `nosy` may exchange, but is not given tokens
 * for the shop.
 */
export function chainRealm(
  name: string,
  overrides: {
    readonly clients?: readonly object[];
    readonly apis?: readonly object[];
    readonly [key: string]: unknown;
  } = {},
) {
  const exchanger = (id: string, exchanges: readonly string[], more: object = {}) => ({
    id,
    secret: secretOf(id),
    grants: [EXCHANGE, 'client_credentials'],
    introspects: [id],
    exchanges,
    ...more,
  });
  const web = {
    public: true,
    grants: ['authorization_code', 'password', 'refresh_token'],
    redirectUris: [callback],
  };
  return {
    name,
    ...overrides,
    apis: [
      api('shop', ['cart:read', 'cart:write'], { default: true }),
      api('orders', ['orders:read', 'orders:write', 'orders:refund'], {
        tokens: { format: 'opaque', ttl: 300 },
      }),
      api('ledger', ['book', 'audit'], { tokens: { format: 'jwt' } }),
      api('bare', []),
      api('boards', ['dashboards:read']),
      ...(overrides.apis ?? []),
    ],
    roles: [
      buyer,
      {
        name: 'robot',
        permissions: ['shop:cart:read', 'orders:orders:read', 'orders:orders:write', 'ledger:book'],
      },
    ],
    clients: [
      { id: 'ui', ...web, firstParty: true },
      { id: 'third', ...web },
      exchanger('shop', ['orders', 'ledger', 'bare', 'shop'], {
        permissions: [
          'orders:orders:read',
          'orders:orders:write',
          'orders:orders:refund',
          'ledger:book',
          'shop:cart:read',
        ],
      }),
      exchanger('orders', ['ledger', 'shop']),
      exchanger('ledger', ['orders']),
      exchanger('nosy', ['ledger'], { introspects: ['orders'] }),
      { id: 'plain', secret: secretOf('plain'), grants: [EXCHANGE], introspects: ['shop'] },
      {
        id: 'robot',
        secret: secretOf('robot'),
        grants: ['client_credentials', EXCHANGE],
        roles: ['robot'],
        permissions: ['shop:cart:read', 'orders:orders:read'],
        exchanges: ['orders'],
      },
      { id: 'freight', secret: secretOf('freight'), grants: ['client_credentials'], roles: ['robot'] },
      {
        id: 'gateway',
        secret: secretOf('gateway'),
        introspects: ['shop', 'orders', 'ledger', 'bare', 'boards'],
      },
      ...(overrides.clients ?? []),
    ],
    users: [{ ...bert, email: 'bert@co.test', name: 'Bert', roles: ['buyer'] }],
  };
}

type Form = Readonly<Record<string, string>>;
type Options = { readonly auth?: readonly [string, string]; readonly headers?: Record<string, string> };

/** The requests that tests make at one realm. */
export function callsOf(server: Pick<TestServer, 'endpoint'>, realm: string) {
  const token = (form: Form, options: Options = {}): Promise<Answer> =>
    postForm(server.endpoint(realm, 'token'), form, options);

  /** Access token of Bert at a client. */
  const login = async (more: Form = {}, options: Options = {}): Promise<string> =>
    (await token({ grant_type: 'password', client_id: 'ui', ...bert, ...more }, options)).json.access_token;

  const service = async (
    id: string,
    more: Form = {},
    headers: Record<string, string> = {},
  ): Promise<string> =>
    (await token({ grant_type: 'client_credentials', ...more }, { auth: by(id), headers })).json.access_token;

  /** An empty value leaves a parameter out. `pairs`: parameters that repeat. */
  function exchange(
    subject: string,
    more: Form = {},
    {
      auth = by('shop'),
      headers = {},
      pairs = [],
    }: Options & { readonly pairs?: readonly (readonly [string, string])[] } = {},
  ): Promise<Answer> {
    const form = {
      grant_type: EXCHANGE,
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      ...(pairs.length === 0 ? { audience: 'orders' } : {}),
      ...more,
    };
    const sent = Object.entries(form).filter(([, value]) => value !== '');
    return postForm(server.endpoint(realm, 'token'), [...sent, ...pairs], { auth, headers });
  }

  const introspect = async (value: string, auth = by('gateway')) =>
    (await postForm(server.endpoint(realm, 'token/introspect'), { token: value }, { auth })).json;

  const userinfo = async (value: string) => {
    const response = await fetch(server.endpoint(realm, 'userinfo'), {
      headers: { authorization: `Bearer ${value}` },
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : {} };
  };

  const revoke = (value: string, form: Form, options: Options = {}) =>
    postForm(server.endpoint(realm, 'revoke'), { token: value, ...form }, options);

  return { token, login, service, exchange, introspect, userinfo, revoke };
}
