/**
 * Informer's own data about its guest tokens: what the product shows of them, and which belong to a report. The local
 * side is every token made by `POST /api/tokens`. The cloud side is the one public link of a report, in a record of
 * its own, so that a failure of one side does not affect the other.
 */
import { z } from 'zod';
import { Failure, isFailure } from '../../../base/errors.ts';
import { shownValue } from '../../../guest/guests.ts';
import { keepFor } from '../../../guest/issue/writes.ts';
import type { GuestRecord } from '../../../guest/record/guest-record.ts';
import { stateOf } from '../../../http/request-state.ts';
import type { Document, Key, Write } from '../../../storage/port/port.ts';
import type { FacadeCall, SectionCall } from '../shared/facade.ts';
import { clientIdOf } from '../shared/minting.ts';
import type { InformerSection } from './options.ts';
import type { TokenRequest } from './token-request.ts';

type Call = Pick<SectionCall<InformerSection>, 'store' | 'guests' | 'realm' | 'logger'>;

const optional = z.string().optional();
const details = z.object({
  v: z.literal(1),
  username: z.string(),
  isCloud: z.boolean(),
  type: z.string(),
  notes: optional,
  readOnly: z.boolean(),
  restrict: z.enum(['host', 'cidr']).optional(),
  host: optional,
  cidr: optional,
  reportId: optional,
  datasourceId: optional,
  assistantId: optional,
  visualId: optional,
  datasetId: optional,
  queryId: optional,
  data: z.record(z.string(), z.unknown()).optional(),
});

type Details = z.infer<typeof details>;

/** A living token. */
export type Token = Details & {
  readonly id: string;
  readonly token: string;
  readonly createdAt: number;
  /** The nodes of the owner of a personal token. */
  readonly owners: readonly string[];
};

/** The most tokens that a list reads. */
const MAX_LISTED = 5000;
const BATCH = 500;

const detailsKey = (realm: string, id: string): Key => ({ realm, kind: 'informer-token', id });
const allTokens = (realm: string): Key => ({ realm, kind: 'informer-tokens', id: 'all' });
const tokensOfReport = (realm: string, report: string): Key => ({
  realm,
  kind: 'informer-report',
  id: report,
});
const cloudKey = (realm: string, report: string): Key => ({ realm, kind: 'informer-cloud', id: report });

/** The writes in the commit of the token. */
export function localWrites(realm: string, request: TokenRequest, username: string) {
  return (record: GuestRecord): readonly Write[] => [
    ...detailsWrites(realm, record, { v: 1, ...request, username, isCloud: false }),
    ...(request.reportId === undefined
      ? []
      : [{ index: tokensOfReport(realm, request.reportId), member: record.id, ttl: keepFor(record) }]),
  ];
}

/** The same for a public link; refused when another one was written since `pointer` was read. */
export function cloudWrites(realm: string, report: string, username: string, pointer: Document | undefined) {
  return (record: GuestRecord): readonly Write[] => [
    {
      put: cloudKey(realm, report),
      value: record.id,
      ttl: keepFor(record),
      onlyIf: pointer?.stamp ?? 'absent',
    },
    ...detailsWrites(realm, record, {
      v: 1,
      type: 'report',
      readOnly: true,
      reportId: report,
      username,
      isCloud: true,
    }),
  ];
}

function detailsWrites(realm: string, record: GuestRecord, value: Details): readonly Write[] {
  const ttl = keepFor(record);
  return [
    { put: detailsKey(realm, record.id), value: JSON.stringify(value), ttl },
    { index: allTokens(realm), member: record.id, ttl },
  ];
}

/** Rejects with `Failure('unavailable')` for a token whose record cannot be read. */
export async function findToken(call: Call, id: string): Promise<Token | undefined> {
  const [token] = await findTokens(call, [id]);
  if (token === 'damaged') throw new Failure('unavailable', 'the record of a token cannot be read');
  return token;
}

type Found = Token | 'damaged' | undefined;
type Read = Document | 'damaged' | undefined;

/** Reads many records; when that fails, each by itself. */
async function readDetails(call: Call, ids: readonly string[]): Promise<readonly Read[]> {
  const { name: realm } = call.realm.view;
  try {
    return await call.store.read(ids.map((id) => detailsKey(realm, id)));
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (ids.length > 1) return (await Promise.all(ids.map((id) => readDetails(call, [id])))).flat();
    call.logger.error({ realm, token: ids[0], err: error }, 'the record of a token cannot be read');
    return ['damaged'];
  }
}

async function tokenOf(call: Call, id: string, document: Document): Promise<Found> {
  const found = await call.guests.find(call.realm.view.name, id);
  if (found?.state !== 'active' || found.record.clientId !== clientIdOf('informer')) return undefined;
  const token = shownValue(call.realm.guest, found.record);
  if (token === undefined) return undefined;
  const known = detailsOf(document);
  if (known === undefined) {
    call.logger.error({ realm: call.realm.view.name, token: id }, 'the record of a token cannot be read');
    return 'damaged';
  }
  const { iat: createdAt, inherited: owners } = found.record;
  return { ...known, id, token, createdAt, owners };
}

/** `undefined` for anything but one of our records. */
function detailsOf({ value }: Document): Details | undefined {
  try {
    return details.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/** Living tokens, oldest first, and a sentence for each reason why others are missing. */
export type Listing = { readonly tokens: readonly Token[]; readonly warnings: readonly string[] };

/** Drops tokens from the index that were revoked in another way, so that dead ones do not crowd out living ones. */
async function listIndex(call: Call, index: Key): Promise<Listing> {
  const { store } = call;
  const tokens: Token[] = [];
  const warnings = new Set<string>();
  let after: string | undefined;
  let seen = 0;
  do {
    const page = await store.list(index, { limit: BATCH, ...(after === undefined ? {} : { after }) });
    const found = await findTokens(call, page.members);
    const dead = page.members.filter((_, at) => found[at] === undefined);
    if (dead.length > 0) await store.commit(dead.map((member) => ({ unindex: index, member })));
    tokens.push(...found.filter((token) => token !== undefined && token !== 'damaged'));
    if (found.includes('damaged')) warnings.add('the list is not whole: a record cannot be read');
    seen += page.members.length;
    after = page.next;
  } while (after !== undefined && seen < MAX_LISTED);
  if (after !== undefined) warnings.add(`the list is not whole: it goes through ${MAX_LISTED} tokens`);
  return { tokens: tokens.sort((a, b) => a.createdAt - b.createdAt), warnings: [...warnings] };
}

async function findTokens(call: Call, ids: readonly string[]): Promise<readonly Found[]> {
  if (ids.length === 0) return [];
  const documents = await readDetails(call, ids);
  return Promise.all(
    ids.map((id, at) => {
      const document = documents[at];
      return document === undefined || document === 'damaged' ? document : tokenOf(call, id, document);
    }),
  );
}

export function listTokens(call: Call): Promise<Listing> {
  return listIndex(call, allTokens(call.realm.view.name));
}

export function listLocal(call: Call, report: string): Promise<Listing> {
  return listIndex(call, tokensOfReport(call.realm.view.name, report));
}

/** The tokens of a report, its public link included. */
export async function listOfReport(call: Call, report: string): Promise<Listing> {
  const [local, cloud] = await Promise.all([listLocal(call, report), askCloud(call, report)]);
  if (cloud instanceof Failure) {
    return { ...local, warnings: [...local.warnings, 'the list is not whole: it lacks the public link'] };
  }
  const tokens = [...local.tokens, ...(cloud === undefined ? [] : [cloud])];
  return { ...local, tokens: tokens.sort((a, b) => a.createdAt - b.createdAt) };
}

type Cloud = { readonly token: Token | undefined; readonly pointer: Document | undefined };

/**
 * The public link of a report, if it lives, and the pointer to it as read. Rejects with `Failure('unavailable')` for
 * any fault of that side, which is never the caller's.
 */
export async function findCloud(call: Call, report: string): Promise<Cloud> {
  try {
    return await readCloud(call, report);
  } catch (error) {
    if (error instanceof Failure) throw error;
    call.logger.error({ realm: call.realm.view.name, report, err: error }, 'a public link cannot be read');
    throw new Failure('unavailable', 'the public link of the report cannot be read', { cause: error });
  }
}

async function readCloud(call: Call, report: string): Promise<Cloud> {
  const [pointer] = await call.store.read([cloudKey(call.realm.view.name, report)]);
  const token = pointer && (await findToken(call, pointer.value));
  return { token, pointer };
}

/** The cloud side of a list, or the reason why it could not be read. */
export async function askCloud(call: Call, report: string): Promise<Token | undefined | Failure> {
  try {
    return (await findCloud(call, report)).token;
  } catch (error) {
    if (!isFailure(error, 'unavailable')) throw error;
    return error;
  }
}

/** Revokes a token and removes it from the lists. */
export async function removeToken(
  call: Call & Pick<FacadeCall, 'ctx'>,
  { id, reportId }: Token,
  by: string,
): Promise<void> {
  const realm = call.realm.view.name;
  await call.guests.revoke(realm, id, { by, ...stateOf(call.ctx.req).source });
  await call.store.commit([
    { remove: detailsKey(realm, id) },
    { unindex: allTokens(realm), member: id },
    ...(reportId === undefined ? [] : [{ unindex: tokensOfReport(realm, reportId), member: id }]),
  ]);
}
