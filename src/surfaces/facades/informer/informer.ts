/**
 * Informer: tokens of reports and of people, public links to reports, and the address that such a link leads to. A
 * caller sends a bearer token of the realm in place of the product's session.
 */
import { z } from 'zod';
import { Failure, isFailure, isTemporary } from '../../../base/errors.ts';
import type { GuestRecord } from '../../../guest/record/guest-record.ts';
import type { Route } from '../../../http/routes.ts';
import { framePolicy } from '../../../http/security-headers.ts';
import { createFacade, type SectionCall } from '../shared/facade.ts';
import { type FacadeMinted, type FacadeOrder, isMinted, lifeOf, mintFor, tellOf } from '../shared/minting.ts';
import { readJson } from '../shared/request.ts';
import { authorize, type Caller } from './caller.ts';
import { boom, say } from './errors.ts';
import { type InformerSection, informerRules } from './options.ts';
import {
  addressOf,
  presentList,
  presentPublished,
  presentReportToken,
  presentToken,
  seenBy,
} from './present.ts';
import { isShown } from './public-link.ts';
import {
  bindingFields,
  bindings,
  grantOf,
  informerActions,
  isPersonal,
  PERSONAL,
  readTokenRequest,
  tokenRequest,
} from './token-request.ts';
import {
  askCloud,
  cloudWrites,
  findCloud,
  findToken,
  type Listing,
  listLocal,
  listOfReport,
  listTokens,
  localWrites,
  removeToken,
  type Token,
} from './tokens.ts';

type Call = SectionCall<InformerSection>;

const MAX_PAGE = 1000;
/** Each lost race means that another caller succeeded. So many in a row do not happen. */
const MAX_ATTEMPTS = 10;

const publishRequest = z.strictObject({ progress: z.string().max(256).optional() });

const who = 'bearer';
const report = '/api/reports/:report';
const token = '/api/tokens/:token';

const routes: readonly Route<Call>[] = [
  { method: 'GET', path: `${report}/tokens`, who, handler: listReportTokens },
  {
    method: 'POST',
    path: `${report}/_cloud-publish`,
    who,
    schema: { body: publishRequest },
    handler: publish,
  },
  { method: 'POST', path: `${report}/_cloud-unpublish`, who, handler: unpublish },
  { method: 'GET', path: '/api/tokens', who, handler: list },
  { method: 'POST', path: '/api/tokens', who, schema: { body: tokenRequest }, handler: create },
  { method: 'GET', path: token, who, handler: get },
  { method: 'DELETE', path: token, who, handler: remove },
  {
    method: 'GET',
    path: '/view/:token',
    who: 'holder',
    handler: (call) => view(call, call.params['token']),
  },
  {
    method: 'GET',
    path: '/v/report.html',
    who: 'holder',
    handler: (call) => view(call, call.ctx.query['token']),
  },
];

export const informer = createFacade({ name: 'informer', section: informerRules, routes, say });

async function listReportTokens(call: Call): Promise<void> {
  const caller = await authorize(call, 'read');
  const report = reportOf(call);
  const [local, cloud] = await Promise.all([listLocal(call, report), askCloud(call, report)]);
  const warning =
    cloud instanceof Failure
      ? { statusCode: 503, error: 'Service Unavailable', message: 'Cloud tokens could not be looked up' }
      : null;
  tellWarnings(call, local);
  const tokens = [...local.tokens, ...(cloud === undefined || cloud instanceof Failure ? [] : [cloud])];
  call.ctx.body = {
    tokens: tokens.map((token) => presentReportToken(call.realm, seenBy(caller, token))),
    warning,
  };
}

async function list(call: Call): Promise<void> {
  const caller = await authorize(call, 'read');
  const { query } = call.ctx;
  const start = numberOf(query['start'], 0);
  const limit = Math.min(MAX_PAGE, numberOf(query['limit'], MAX_PAGE));
  const filters = [...bindingFields, 'username' as const].filter((field) => query[field] !== undefined);
  const { reportId: report } = query;
  const listing = await (typeof report === 'string' ? listOfReport(call, report) : listTokens(call));
  const matching = listing.tokens.filter((token) => filters.every((field) => token[field] === query[field]));
  tellWarnings(call, listing);
  const seen = matching.map((token) => seenBy(caller, token));
  call.ctx.body = presentList(call.realm, seen, start, limit);
}

/** The product has no error for this. */
function tellWarnings({ ctx }: Call, { warnings }: Listing): void {
  if (warnings.length > 0) ctx.set('X-Guest-Warnings', warnings.join('; '));
}

function numberOf(text: string | string[] | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text);
  throw boom(400, '"start" and "limit" must be numbers');
}

async function create(call: Call): Promise<void> {
  const caller = await authorize(call, 'write');
  const { ctx, realm, section } = call;
  const request = readTokenRequest(await readJson(ctx, say), section);
  // A person's tokens must end some day, because the person may leave.
  const wanted = isPersonal(request) ? section.maxTtl : null;
  const { ttl, warnings } = lifeOf(call, wanted, 'the life of a personal token');
  const minted = await mintToken(call, {
    grant: grantOf(request, { owner: caller.id, ttl, purpose: 'embed' }),
    also: localWrites(realm.view.name, request, caller.username),
    ...(isPersonal(request) ? { parent: { nodes: [caller.node] } } : {}),
  });
  tellOf(ctx, minted, warnings);
  const token = await getToken(call, minted.record.id);
  ctx.status = 201;
  ctx.set('Location', addressOf(realm, token));
  ctx.body = presentToken(realm, token);
}

async function get(call: Call): Promise<void> {
  const caller = await authorize(call, 'read');
  call.ctx.body = presentToken(call.realm, seenBy(caller, await getToken(call, call.params['token'])));
}

async function remove(call: Call): Promise<void> {
  const caller = await authorize(call, 'write');
  await removeToken(call, await getToken(call, call.params['token']), caller.username);
  call.ctx.status = 204;
}

/** A report has one public link: repeated and concurrent calls get the same one. */
async function publish(call: Call): Promise<void> {
  const caller = await authorize(call, 'write');
  const report = reportOf(call);
  const body = await readJson(call.ctx, say, { mayBeEmpty: true });
  if (!publishRequest.safeParse(body).success) throw boom(400, '"progress" is the only field');
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const { token, pointer } = await findCloud(call, report);
    const published = token ?? (await tryPublish(call, caller, report, pointer));
    if (published !== undefined) {
      call.ctx.body = presentPublished(call.realm, published);
      return;
    }
  }
  throw new Failure('busy', 'the report is being published by others');
}

/** `undefined` when another caller was faster. */
async function tryPublish(
  call: Call,
  caller: Caller,
  report: string,
  pointer: Awaited<ReturnType<typeof findCloud>>['pointer'],
): Promise<Token | undefined> {
  const { ttl, warnings } = lifeOf(call, null, '');
  const request = { type: 'report', readOnly: true, reportId: report };
  try {
    const minted = await mintToken(call, {
      grant: grantOf(request, { owner: caller.id, ttl, purpose: 'public_link' }),
      also: cloudWrites(call.realm.view.name, report, caller.username, pointer),
    });
    tellOf(call.ctx, minted, warnings);
    return await getToken(call, minted.record.id);
  } catch (error) {
    if (!isFailure(error, 'conflict')) throw error;
    return undefined;
  }
}

async function unpublish(call: Call): Promise<void> {
  const caller = await authorize(call, 'write');
  const { token } = await findCloud(call, reportOf(call));
  if (token !== undefined) await removeToken(call, token, caller.username);
  call.ctx.status = 204;
}

/** A public link is for every page, unless its token is bound to origins. */
function framersOf(found: { readonly record: GuestRecord } | undefined): readonly string[] {
  return found?.record.granted.binding?.origins ?? ['*'];
}

/** A person looks at a link, perhaps in a frame of another page: every answer to it is a page that may stand there. */
async function view(call: Call, value: unknown): Promise<void> {
  try {
    await redirectToViewer(call, value);
  } catch (error) {
    if (!isTemporary(error)) throw error;
    call.ctx.set('Retry-After', '1');
    call.ctx.status = 503;
    call.showLinkProblem('unavailable', ['*']);
  }
}

/** Redirects to the viewer of the report, which introspects the token. */
async function redirectToViewer(call: Call, value: unknown): Promise<void> {
  const { ctx, guests, realm, section } = call;
  const found = typeof value === 'string' ? await guests.findByValue(realm.view.name, value) : undefined;
  const isLive = found?.state === 'active' && isShown(realm, section, found.record);
  if (!isLive || section.viewer === undefined || typeof value !== 'string') {
    ctx.status = 404;
    call.showLinkProblem('not_found', framersOf(found));
    return;
  }
  ctx.remove('X-Frame-Options');
  ctx.set('Content-Security-Policy', framePolicy(framersOf(found)));
  ctx.redirect(section.viewer.replaceAll('{token}', encodeURIComponent(value)));
}

async function mintToken(
  call: Call,
  order: Pick<FacadeOrder, 'grant' | 'also' | 'parent'>,
): Promise<FacadeMinted> {
  const types = bindingFields.map((field) => bindings[field].type);
  const minted = await mintFor(call, {
    name: 'informer',
    ceiling: { types: [...types, PERSONAL], actions: [...informerActions], formats: ['opaque'] },
    showAgain: true,
    ...order,
  });
  if (!isMinted(minted)) throw boom(400, 'The token would be more than is allowed');
  return minted;
}

async function getToken(call: Call, id: string | undefined): Promise<Token> {
  const token = id === undefined ? undefined : await findToken(call, id);
  if (token === undefined) throw boom(404, 'Token not found');
  return token;
}

function reportOf({ params, section }: Call): string {
  const report = section.reports.find((one) => one === params['report']);
  if (report === undefined) throw boom(404, 'Report not found');
  return report;
}
