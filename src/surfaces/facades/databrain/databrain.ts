/**
 * DataBrain: guest tokens (`/api/v1` and `/api/v2`), API tokens, service tokens. Its guest tokens are UUIDs without an
 * end unless one is asked for, so here they can be revoked.
 */

import { z } from 'zod';
import { identifier } from '../../../guest/grant/fields.ts';
import type { Refusal } from '../../../guest/grant/refusal.ts';
import type { Route } from '../../../http/routes.ts';
import { resourceNode } from '../../../revocation/guest-nodes.ts';
import { guardedAttempt } from '../shared/brute-force.ts';
import { createFacade, type FacadeError, type SectionCall } from '../shared/facade.ts';
import { clientIdOf, isMinted, isoTime, lifeOf, mintFor, tellOf } from '../shared/minting.ts';
import { bearerOf, readJson } from '../shared/request.ts';
import { badKey, refusal, say } from './errors.ts';
import { databrainActions, grantOf, limitingOf, rowOriginsOf } from './grant.ts';
import { createApiKey, findKey, type LiveKey, listApiKeys, rotateKey } from './keys.ts';
import { bodies, type MintRequest, readMintRequest, refuseParam } from './mint-request.ts';
import { type DatabrainSection, databrainRules } from './options.ts';

type Call = SectionCall<DatabrainSection>;

const PAGE_SIZE = 10;
/** The longest grace of a rotated key: a year. */
const MAX_GRACE = 31_536_000;

const tokenRequest = z.strictObject({
  dataAppName: z.unknown().optional(),
  dataAppId: z.string().max(256).optional(),
  name: identifier,
  description: z.string().max(1024).optional(),
});

const grace = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
  .refine((seconds) => Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_GRACE);

const rotation = z.strictObject({ expireAt: grace });
const rotationByName = rotation.extend({ key: z.string() });
const keyRotation = z.union([rotation, rotationByName]);

const who = 'section';
const apps = ['/api/v2/data-app', '/api/v2/dataApp'];

const routes: readonly Route<Call>[] = [
  {
    method: 'POST',
    path: '/api/v1/guest-token/create',
    who,
    schema: { body: bodies[1] },
    handler: (call) => createGuestToken(call, 1),
  },
  {
    method: 'POST',
    path: '/api/v2/guest-token/create',
    who,
    schema: { body: bodies[2] },
    handler: (call) => createGuestToken(call, 2),
  },
  ...apps.flatMap((app): Route<Call>[] => [
    { method: 'GET', path: `${app}/api-tokens`, who, handler: listTokens },
    {
      method: 'POST',
      path: `${app}/api-tokens`,
      who,
      schema: { body: tokenRequest },
      handler: createToken,
    },
    { method: 'POST', path: `${app}/rotate-api`, who, schema: { body: keyRotation }, handler: rotateApiKey },
  ]),
  {
    method: 'POST',
    path: '/api/v2/service-token/rotate',
    who,
    schema: { body: rotation },
    handler: rotateServiceToken,
  },
];

export const databrain = createFacade({ name: 'databrain', section: databrainRules, routes, say });

async function createGuestToken(call: Call, version: 1 | 2): Promise<void> {
  const key = await authenticate(call, 'api');
  const body = await readJson(call.ctx, say);
  const { allowRawSql } = call.realm.guest.policy;
  const request = readMintRequest(version, body, { section: call.section, key, allowRawSql });
  const wanted = request.expiryTime === undefined ? null : Math.ceil(request.expiryTime / 1000);
  const { ttl, warnings } = lifeOf(call, wanted, 'expiryTime');
  const minted = await mintFor(call, {
    name: 'databrain',
    grant: grantOf(request, ttl),
    limiting: limitingOf(request.params),
    rowOrigins: rowOriginsOf(request.params),
    ceiling: {
      types: ['workspace', 'data_app', 'embed', 'dashboard', 'metric'],
      actions: [...databrainActions],
      formats: ['uuid'],
    },
    // The data app is a label of the token, so that a cut of the app kills everything that its keys minted.
    parent: {
      nodes: [undefined, clientIdOf('databrain')].map((by) => resourceNode(by, 'data_app', key.app ?? '')),
    },
  });
  if (!isMinted(minted)) throw refusedGrant(request, minted);
  tellOf(call.ctx, minted, warnings);
  call.ctx.body = { token: minted.value };
}

/** Maps a refusal of the grant to the parameter that it came from. */
function refusedGrant({ params }: MintRequest, { pointer }: Refusal): FacadeError {
  const index = Number(/^\/resources\/(\d+)\//.exec(pointer)?.[1] ?? Number.NaN);
  const dashboards = new Set(params.dashboardAppFilters.map(({ dashboardId }) => dashboardId)).size;
  const containers = params.allowedEmbeds?.length ?? 1;
  if (index >= containers + dashboards) {
    return refuseParam(params.appFilters.length > 0 ? 'appFilters' : 'rlsSettings');
  }
  if (index >= containers) return refuseParam('dashboardAppFilters');
  return refusal('INVALID_REQUEST_BODY', 'the request asks for more than is allowed');
}

async function createToken(call: Call): Promise<void> {
  await authenticate(call, 'service');
  const { dataAppName, name, description } = parseBody(tokenRequest, await readJson(call.ctx, say));
  const app = appOf(call, dataAppName);
  const key = await createApiKey(call, { app, name, description });
  if (key === undefined)
    throw refusal('INVALID_REQUEST_BODY', 'the data app has as many tokens as it may have');
  call.ctx.body = { key };
}

async function listTokens(call: Call): Promise<void> {
  await authenticate(call, 'service');
  const { dataAppName, isPagination, pageNumber = '1' } = call.ctx.query;
  const app = appOf(call, dataAppName);
  const page =
    typeof pageNumber === 'string' && /^[1-9]\d{0,5}$/.test(pageNumber) ? Number(pageNumber) : undefined;
  if (page === undefined) throw refusal('INVALID_REQUEST_BODY', 'pageNumber is no number from 1');
  const all = await listApiKeys(call, app);
  const shown = isPagination === 'true' ? all.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE) : all;
  const data = shown.map(({ createdAt, ...rest }) => ({
    ...rest,
    createdAt: createdAt === undefined ? null : isoTime(createdAt),
  }));
  call.ctx.body = { data };
}

/** By the key itself, or (an earlier revision of the product) by a service token that names it. */
async function rotateApiKey(call: Call): Promise<void> {
  const caller = await authenticate(call);
  const body = await readJson(call.ctx, say);
  if (caller.kind === 'api') {
    return rotate(call, caller, parseBody(rotation, body).expireAt);
  }
  const { key, expireAt } = parseBody(rotationByName, body);
  const named = await findKey(call, key);
  if (named?.kind !== 'api') throw refusal('AUTHENTICATION_ERROR', 'API key is invalid or expired', 400);
  return rotate(call, named, expireAt);
}

async function rotateServiceToken(call: Call): Promise<void> {
  const caller = await authenticate(call, 'service');
  const body = await readJson(call.ctx, say);
  return rotate(call, caller, parseBody(rotation, body).expireAt);
}

async function rotate(call: Call, key: LiveKey, seconds: number): Promise<void> {
  const successor = await rotateKey(call, key, seconds);
  if (successor === undefined) throw refusal('AUTHENTICATION_ERROR', 'the key was rotated already', 400);
  call.ctx.body = { key: successor };
}

/** The two kinds of credentials are not interchangeable. */
async function authenticate(call: Call, kind?: LiveKey['kind']): Promise<LiveKey> {
  const given = bearerOf(call.ctx);
  const what = kind === 'service' ? 'service token' : 'API key';
  if (given === undefined) throw badKey(what);
  const attempt = { target: clientIdOf('databrain'), value: given };
  const key = await guardedAttempt(call, attempt, async () => {
    const found = await findKey(call, given);
    return kind === undefined || found?.kind === kind ? found : undefined;
  });
  if (key === undefined) throw badKey(what);
  return key;
}

function appOf({ section }: Call, name: unknown): string {
  const app = section.dataApps.find((one) => one.name === name);
  if (app === undefined) throw refusal('DATA_APP_NOT_FOUND', 'dataAppName is missing or unknown');
  return app.name;
}

function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw refusal('INVALID_REQUEST_BODY', 'the request body is invalid');
  return parsed.data;
}
