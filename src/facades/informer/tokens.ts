/**
 * Informer's tokens beside the guest tokens that they are: what the product shows of them, and which ones belong to a
 * report. The local side are all that were made by `POST /api/tokens`; the cloud side is the one public link of a
 * report, in a record of its own that is read by itself, so that losing one side does not lose the other.
 */
import { z } from 'zod';
import { type Failure, isFailure } from '../../base/errors.ts';
import type { GuestRecord } from '../../guest/guest-record.ts';
import { keepFor } from '../../guest/guest-writes.ts';
import { shownValue } from '../../guest/guests.ts';
import type { Document, Key, Write } from '../../storage/store.ts';
import type { SectionCall } from '../facade.ts';
import { clientIdOf } from '../minting.ts';
import type { InformerSection } from './options.ts';
import type { TokenRequest } from './token-request.ts';

type Call = Pick<SectionCall<InformerSection>, 'store' | 'guests' | 'realm'>;

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

/** A token that counts. */
export type Token = Details & {
  readonly id: string;
  readonly token: string;
  readonly createdAt: number;
  /** Nodes of whom a personal token belongs to. */
  readonly owners: readonly string[];
};

/** Tokens that a list goes through at most. */
export const MAX_LISTED = 5000;
const BATCH = 500;

const detailsKey = (realm: string, id: string): Key => ({ realm, kind: 'informer-token', id });
const allTokens = (realm: string): Key => ({ realm, kind: 'informer-tokens', id: 'all' });
const tokensOfReport = (realm: string, report: string): Key => ({
  realm,
  kind: 'informer-report',
  id: report,
});
const cloudKey = (realm: string, report: string): Key => ({ realm, kind: 'informer-cloud', id: report });

/** What is written with the token itself. */
export function localWrites(realm: string, request: TokenRequest, username: string) {
  return (record: GuestRecord): readonly Write[] => [
    ...detailsWrites(realm, record, { v: 1, ...request, username, isCloud: false }),
    ...(request.reportId === undefined
      ? []
      : [{ index: tokensOfReport(realm, request.reportId), member: record.id, ttl: keepFor(record) }]),
  ];
}

/** The same for a public link, refused when there is another one since `pointer` was read. */
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

export async function findToken(call: Call, id: string): Promise<Token | undefined> {
  const [document] = await call.store.read([detailsKey(call.realm.view.name, id)]);
  return document && tokenOf(call, id, document);
}

async function tokenOf(call: Call, id: string, document: Document): Promise<Token | undefined> {
  const found = await call.guests.find(call.realm.view.name, id);
  if (found?.state !== 'active' || found.record.clientId !== clientIdOf('informer')) return undefined;
  const token = shownValue(call.realm.guest, found.record);
  if (token === undefined) return undefined;
  const { iat: createdAt, inherited: owners } = found.record;
  return { ...details.parse(JSON.parse(document.value)), id, token, createdAt, owners };
}

/** Live tokens, oldest first; `isWhole` is false when there were more than a list goes through. */
export type Listing = { readonly tokens: readonly Token[]; readonly isWhole: boolean };

/** What was revoked otherwise than by a call of ours is forgotten, so that the dead do not crowd out the living. */
async function listIndex(call: Call, index: Key): Promise<Listing> {
  const { store } = call;
  const tokens: Token[] = [];
  let after: string | undefined;
  let seen = 0;
  do {
    const page = await store.list(index, { limit: BATCH, ...(after === undefined ? {} : { after }) });
    const found = await findTokens(call, page.members);
    const dead = page.members.filter((_, at) => found[at] === undefined);
    if (dead.length > 0) await store.commit(dead.map((member) => ({ unindex: index, member })));
    tokens.push(...found.filter((token) => token !== undefined));
    seen += page.members.length;
    after = page.next;
  } while (after !== undefined && seen < MAX_LISTED);
  return { tokens: tokens.sort((a, b) => a.createdAt - b.createdAt), isWhole: after === undefined };
}

async function findTokens(call: Call, ids: readonly string[]): Promise<readonly (Token | undefined)[]> {
  if (ids.length === 0) return [];
  const documents = await call.store.read(ids.map((id) => detailsKey(call.realm.view.name, id)));
  return Promise.all(
    ids.map((id, at) => {
      const document = documents[at];
      return document && tokenOf(call, id, document);
    }),
  );
}

export function listTokens(call: Call): Promise<Listing> {
  return listIndex(call, allTokens(call.realm.view.name));
}

export function listLocal(call: Call, report: string): Promise<Listing> {
  return listIndex(call, tokensOfReport(call.realm.view.name, report));
}

/** Those of a report, the public one included. */
export async function listOfReport(call: Call, report: string): Promise<Listing> {
  const [local, cloud] = await Promise.all([listLocal(call, report), findCloud(call, report)]);
  const tokens = [...local.tokens, ...(cloud.token === undefined ? [] : [cloud.token])];
  return { ...local, tokens: tokens.sort((a, b) => a.createdAt - b.createdAt) };
}

/** The public link of a report, if it counts, and the pointer to it as it was read. */
export async function findCloud(
  call: Call,
  report: string,
): Promise<{ readonly token: Token | undefined; readonly pointer: Document | undefined }> {
  const [pointer] = await call.store.read([cloudKey(call.realm.view.name, report)]);
  const token = pointer && (await findToken(call, pointer.value));
  return { token, pointer };
}

/** The cloud side of a list, or why it could not be asked. */
export async function askCloud(call: Call, report: string): Promise<Token | undefined | Failure> {
  try {
    return (await findCloud(call, report)).token;
  } catch (error) {
    if (!isFailure(error, 'unavailable')) throw error;
    return error;
  }
}

/** Revokes a token; what lists it forgets it. */
export async function removeToken(call: Call, { id, reportId }: Token, by: string): Promise<void> {
  const realm = call.realm.view.name;
  await call.guests.revoke(realm, id, by);
  await call.store.commit([
    { remove: detailsKey(realm, id) },
    { unindex: allTokens(realm), member: id },
    ...(reportId === undefined ? [] : [{ unindex: tokensOfReport(realm, reportId), member: id }]),
  ]);
}
