/**
 * The demo's first part: the backend of a SaaS product that embeds a dashboard. It gets a token for itself, exchanges
 * it for a guest token per customer, and takes guest tokens back. A real one knows from its own session which
 * customer is asking; this one shows two of them to the same visitor, so it lets the page say which.
 */
import type { Context } from 'koa';
import { z } from 'zod';
import { type Call, curlOf, ownAddress, send } from './calls.ts';
import type { DemoRealm } from './demo-realm.ts';

type Deps = { readonly realm: DemoRealm; readonly publicUrl: string; readonly basePath: string };

const customers = [
  { tenant: 'blue', name: 'Blue Ltd', person: { id: 'u_17', name: 'Ann Archer' } },
  { tenant: 'green', name: 'Green GmbH', person: { id: 'u_42', name: 'Theo Grün' } },
] as const;

type Customer = (typeof customers)[number];

/** Seconds. */
const TTL = 600;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const tokenAnswer = z.object({ access_token: z.string() });
const guestAnswer = z.object({
  access_token: z.string(),
  expires_in: z.number(),
  authorization_details: z.array(z.unknown()),
});

export function createPortal({ realm, publicUrl, basePath }: Deps) {
  function list(ctx: Context): void {
    ctx.body = customers;
  }

  /** `{ tenant }` → the guest token, what it was granted, and the calls that it took. */
  async function grant(ctx: Context, input: Record<string, unknown>): Promise<void> {
    const customer = customers.find(({ tenant }) => tenant === input['tenant']);
    if (customer === undefined) return refuse(ctx, 400, 'there is no such customer');
    const login = loginCall(realm);
    const own = tokenAnswer.safeParse(await reach(ctx, login));
    if (!own.success) return refuse(ctx, 502, 'the portal got no token for itself');
    const exchange = exchangeCall(realm, own.data.access_token, customer);
    const guest = guestAnswer.safeParse(await reach(ctx, exchange));
    if (!guest.success) return refuse(ctx, 502, 'the portal got no guest token');
    ctx.body = {
      token: guest.data.access_token,
      expiresIn: guest.data.expires_in,
      granted: guest.data.authorization_details,
      // The portal's own token is not shown to the page.
      calls: shown([login, exchange], { PORTAL_TOKEN: own.data.access_token }),
    };
  }

  /** `{ token }` → the call that it took. */
  async function revoke(ctx: Context, input: Record<string, unknown>): Promise<void> {
    const token = input['token'];
    if (typeof token !== 'string') return refuse(ctx, 400, 'say which token');
    const call = revocationCall(realm, token);
    if ((await reach(ctx, call)) === undefined) return refuse(ctx, 502, 'the portal could not revoke it');
    ctx.body = { calls: shown([call], { GUEST_TOKEN: token }) };
  }

  /** The body of an answer with status 200, otherwise `undefined`. */
  async function reach(ctx: Context, call: Call): Promise<unknown> {
    try {
      const { status, body } = await send(call, `${ownAddress(ctx.req.socket)}${basePath}`);
      return status === 200 ? body : undefined;
    } catch {
      // The page gets the same answer whatever went wrong.
      return undefined;
    }
  }

  function shown(calls: readonly Call[], hidden: Record<string, string>) {
    return calls.map((call) => ({ title: call.title, curl: curlOf(call, publicUrl, hidden) }));
  }

  return { list, grant, revoke };
}

function loginCall(realm: DemoRealm): Call {
  return {
    title: 'The portal gets a token for itself',
    path: pathOf(realm, 'token'),
    form: { grant_type: 'client_credentials' },
    as: realm.portal,
  };
}

function exchangeCall(realm: DemoRealm, ownToken: string, customer: Customer): Call {
  return {
    title: `The portal exchanges it for a pass for ${customer.name}`,
    path: pathOf(realm, 'token'),
    form: {
      grant_type: EXCHANGE,
      subject_token: ownToken,
      subject_token_type: ACCESS_TOKEN,
      authorization_details: JSON.stringify(detailsFor(customer)),
    },
    as: realm.portal,
  };
}

function revocationCall(realm: DemoRealm, token: string): Call {
  return {
    title: 'The portal takes the pass back',
    path: pathOf(realm, 'revoke'),
    form: { token },
    as: realm.portal,
  };
}

function pathOf({ name }: DemoRealm, endpoint: string): string {
  return `/realms/${name}/protocol/openid-connect/${endpoint}`;
}

/** One dashboard, the customer's rows, ten minutes (RFC 9396 §2). */
function detailsFor({ tenant, person }: Customer): readonly object[] {
  return [
    {
      type: 'embed_resource',
      identifier: 'sales',
      datatypes: ['dashboard'],
      actions: ['view', 'filter', 'export:csv'],
      rows: { col: 'tenant', op: 'eq', value: tenant },
    },
    { type: 'embed_session', subject: { tenant, ...person }, lifetime: { ttl: TTL } },
  ];
}

function refuse(ctx: Context, status: 400 | 502, message: string): void {
  ctx.status = status;
  ctx.body = { error: status === 400 ? 'invalid_request' : 'bad_gateway', error_description: message };
}
