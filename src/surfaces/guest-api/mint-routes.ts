/** Mints one token, many, or one for the browser that opens an address. */
import { z } from 'zod';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import { type Asked, guestRequest, parseGrant } from '../../guest/grant/grant.ts';
import { faultsOf, isRefused, refusalsOf } from '../../guest/grant/refusal.ts';
import type { Minted } from '../../guest/issue/mint.ts';
import type { MintOrder } from '../../guest/issue/mint-order.ts';
import { presentMinted, timeOf } from '../../guest/json/present.ts';
import { Problem, problemBody, problemFor, statusOf } from '../../http/problem.ts';
import { limitFields } from '../../limits/too-many.ts';
import { provenGuestKey } from '../../oidc/proofs/guest-proof.ts';
import { type Call, minterFor, readJson, realmOf, sourceOf } from './call.ts';
import { problemOf } from './refusals.ts';

export async function mintOne(call: Call): Promise<void> {
  const { ctx } = call;
  minterFor(call);
  const key = idempotencyKey(call);
  const jkt = await provenKey(call);
  const minted = await mint(call, await readJson(call), { key, jkt });
  ctx.status = minted.value === undefined ? 200 : 201;
  if (minted.value !== undefined)
    ctx.set('Location', `${call.realm.issuer}/guest-tokens/${minted.record.id}`);
  ctx.body = present(call, minted);
}

export const batch = z.strictObject({ tokens: z.array(z.unknown()).min(1).max(100) });

/** Each by itself: a fault in one does not keep the others from being minted. */
export async function mintBatch(call: Call): Promise<void> {
  minterFor(call);
  const key = idempotencyKey(call);
  const jkt = await provenKey(call);
  const input = await readJson(call);
  const parsed = batch.safeParse(input);
  if (!parsed.success) throw problemOf(refusalsOf('invalid_request', faultsOf(parsed.error)));
  const results: object[] = [];
  for (const [index, one] of parsed.data.tokens.entries()) {
    results.push(await mintResult(call, one, { key: key && `${key}/${index}`, jkt }));
  }
  call.ctx.body = { results };
}

async function mintResult(call: Call, input: unknown, headers: Headers): Promise<object> {
  try {
    const minted = await mint(call, input, headers);
    return { status: minted.value === undefined ? 200 : 201, ...present(call, minted) };
  } catch (error) {
    const problem = problemFor(error);
    // A failure that is not about this token ends the batch: the same request may be sent again.
    if (problem === undefined || problem.code === 'temporarily_unavailable') throw error;
    if (problem.code === 'too_many_requests') call.ctx.set({ ...problem.headers });
    return { ...problemBody(problem), status: statusOf(problem) };
  }
}

function present({ realm, linkOf }: Call, minted: Minted): object {
  const { record, value } = minted;
  const link = value === undefined ? undefined : linkOf(realm, record, value);
  return presentMinted(minted, { issuer: realm.issuer, now: epochSeconds(realm.clock), link });
}

/** What the headers of a request say about its tokens. */
type Headers = {
  readonly key: string | undefined;
  /** Thumbprint of the key that they are bound to. */
  readonly jkt: string | undefined;
};

async function mint(call: Call, input: unknown, { key, jkt }: Headers): Promise<Minted> {
  const { realm } = call;
  const order = { ...orderFor(call, grantOf(call, input)), jkt };
  const isOnce = key !== undefined && !order.asked.dry_run;
  const request = jkt === undefined ? input : { input, jkt };
  const minted = isOnce
    ? await realm.guests.mintOnce(order, { key, request: sha256(JSON.stringify(request)) })
    : await realm.guests.mint(order);
  if (isRefused(minted)) throw problemOf(minted);
  call.ctx.set({ ...limitFields(minted.limit) });
  return minted;
}

function grantOf(call: Call, input: unknown): Asked {
  const parsed = parseGrant(input, realmOf(call).policy);
  if (isRefused(parsed)) throw problemOf(parsed);
  return parsed;
}

function orderFor(call: Call, { grant: asked, audiences }: Asked): MintOrder {
  const { parent, readAt } = call.caller;
  return {
    realm: realmOf(call),
    minter: minterFor(call),
    asked,
    audiences,
    source: sourceOf(call),
    ...(parent === undefined ? {} : { parent }),
    since: readAt,
  };
}

/**
 * The key that the `DPoP` header proves for this address: the minted token is bound to it. The proof of a caller with
 * a bound token was verified before, and counts once.
 */
async function provenKey({ ctx, realm, caller, path }: Call): Promise<string | undefined> {
  if (caller.jkt !== undefined || ctx.get('DPoP') === '') return caller.jkt;
  const target = { address: `${realm.issuer}${path}`, owner: caller.name };
  const proof = await provenGuestKey(realm, ctx, target);
  if ('fault' in proof) throw new Problem(proof.code, proof.fault);
  return proof.jkt;
}

function idempotencyKey({ ctx }: Call): string | undefined {
  const key = ctx.get('Idempotency-Key');
  if (key === '') return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem('invalid_request', 'Idempotency-Key must be 1 to 255 printable ASCII characters');
  }
  return `${ctx.path} ${key}`;
}

const DEFAULT_OPENER_TTL = 60;

const openerOptions = z.strictObject({
  /** Seconds. */
  ttl: z.int().min(30).max(300).default(DEFAULT_OPENER_TTL),
});

/** The body of the request: a guest grant with one more member. */
export const openerGrant = guestRequest.extend({ opener: openerOptions.optional() });

/** The two parts are checked apart, because their faults have pointers of their own. */
export async function createOpener(call: Call): Promise<void> {
  const { ctx, realm, caller } = call;
  minterFor(call);
  if (ctx.get('DPoP') !== '' && caller.jkt === undefined) {
    throw new Problem('invalid_request', 'an opener is bound to the key of the browser that redeems it');
  }
  const input = await readJson(call);
  const { options, grant } = splitOpener(input);
  const parsed = openerOptions.safeParse(options);
  if (!parsed.success) {
    const faults = faultsOf(parsed.error).map(({ path, message }) => ({
      path: ['opener', ...path],
      message,
    }));
    throw problemOf(refusalsOf('invalid_request', faults));
  }
  const order = orderFor(call, grantOf(call, grant));
  if (order.asked.dry_run)
    throw new Problem('invalid_request', 'an opener is for a token, not for a dry run');
  const opener = await realm.guests.createOpener(order, parsed.data.ttl);
  if (isRefused(opener)) throw problemOf(opener);
  ctx.set({ ...limitFields(opener.limit) });
  ctx.status = 201;
  ctx.body = {
    opener: opener.value,
    url: `${realm.issuer}/embed/${opener.value}`,
    expires_in: parsed.data.ttl,
    expires_at: timeOf(opener.exp),
    scope: opener.record.scope,
    effective: { resources: opener.record.granted.resources.length, narrowed: opener.record.narrowed },
    _links: { open: { href: `${new URL(realm.issuer).pathname}/embed/${opener.value}` } },
  };
}

function splitOpener(input: unknown): { readonly options: unknown; readonly grant: unknown } {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return { options: {}, grant: input };
  const { opener = {}, ...grant }: { opener?: unknown } = input;
  return { options: opener, grant };
}
