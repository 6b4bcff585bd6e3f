/**
 * Answers a repeated POST with the answer of the first, for a day (draft-ietf-httpapi-idempotency-key-header). The
 * answer may hold a new secret, so it is kept sealed.
 */
import { sha256 } from '../../../base/hash.ts';
import { Problem } from '../../../http/problem.ts';
import type { Key } from '../../../storage/port/port.ts';
import type { AdminCaller } from './caller.ts';
import type { AdminDeps } from './deps.ts';
import type { Answer } from './route.ts';

/** Seconds that an answer can be asked for again. */
const KEPT = 86_400;
/** Seconds after which a request without an answer counts as broken off. */
const UNDER_WAY = 120;

type Held = { readonly request: string; readonly answer?: Answer };

type Once = {
  readonly deps: Pick<AdminDeps, 'store' | 'seal'>;
  readonly caller: AdminCaller;
  /** The header; empty when it was not sent. */
  readonly key: string;
  /** Method, address and body, by which a repetition is told from another request. */
  readonly request: string;
};

/** Refused work leaves no trace, so it can be tried again under the same key. */
export async function answerOnce(once: Once, work: () => Promise<Answer>): Promise<Answer> {
  const { deps, caller, key } = once;
  if (key === '') return work();
  if (!/^[\x21-\x7e ]{1,255}$/.test(key)) {
    throw new Problem('invalid_request', 'Idempotency-Key is 1 to 255 printable characters');
  }
  const { actor } = caller;
  const place: Key = {
    realm: caller.realm,
    kind: 'admin-once',
    id: sha256(JSON.stringify([actor.kind, actor.id, key])),
  };
  const request = sha256(once.request);
  const isFirst = await hold(deps, place, { request }, UNDER_WAY);
  if (!isFirst) return earlier(deps, place, request);
  const answer = await orForget(deps, place, work);
  await put(deps, place, { request, answer }, KEPT);
  return answer;
}

/** Work that is done is never forgotten, even if its answer could not be kept: a repetition would do it again. */
async function orForget(deps: Once['deps'], place: Key, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    await deps.store.commit([{ remove: place }]);
    throw error;
  }
}

async function earlier(deps: Once['deps'], place: Key, request: string): Promise<Answer> {
  const [document] = await deps.store.read([place]);
  const held: Held | undefined = document && JSON.parse(deps.seal.open(document.value, contextOf(place)));
  if (held !== undefined && held.request !== request) {
    throw new Problem('conflict', 'the Idempotency-Key was used for another request');
  }
  if (held?.answer === undefined) {
    const headers = { 'Retry-After': '1' };
    throw new Problem('conflict', 'the first request with this Idempotency-Key is not answered yet', {
      headers,
    });
  }
  return held.answer;
}

async function hold({ store, seal }: Once['deps'], place: Key, held: Held, ttl: number): Promise<boolean> {
  const value = seal.seal(JSON.stringify(held), contextOf(place));
  return (await store.commit([{ put: place, value, ttl, onlyIf: 'absent' }])).ok;
}

async function put({ store, seal }: Once['deps'], place: Key, held: Held, ttl: number): Promise<void> {
  await store.commit([{ put: place, value: seal.seal(JSON.stringify(held), contextOf(place)), ttl }]);
}

function contextOf({ realm, kind, id }: Key): string {
  return `${realm}/${kind}/${id}`;
}
