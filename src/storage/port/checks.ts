/**
 * The terms that the port sets to its callers, checked once for both engines. A breach is a bug of the caller: it
 * throws a RangeError before anything reaches the store.
 */
import type { Key, Write } from './port.ts';

const maxNodes = 256;
const maxPage = 1000;
const controlCharacter = /[\p{ASCII}&&\p{Cc}]/v;

/** The one realm that all steps belong to. */
export function checkWrites(writes: readonly Write[]): string {
  const [first] = writes;
  if (first === undefined) throw new RangeError('a commit has at least one step');
  const realm = realmOf(first);
  checkName(realm);
  for (const write of writes) {
    if (realmOf(write) !== realm) throw new RangeError('all steps of a commit belong to one realm');
    checkWrite(write);
  }
  return realm;
}

/** `realm` and `kind` without `:`, so that no key of one realm can be spelled as one of another. */
export function checkKey(key: Key): void {
  checkName(key.realm);
  checkName(key.kind);
}

export function checkPage(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxPage) {
    throw new RangeError(`a page has 1 to ${maxPage} members`);
  }
}

export function checkCount(windowMs: number, by: number): void {
  if (!Number.isSafeInteger(windowMs) || windowMs < 1) throw new RangeError('a window is whole milliseconds');
  if (!Number.isSafeInteger(by)) throw new RangeError('a counter counts whole numbers');
}

/** A life in seconds, as whole milliseconds, at least one: a life of zero ends at once and is not endless. */
export function milliseconds(ttl: number): number {
  if (!Number.isFinite(ttl)) throw new RangeError('a ttl is a finite number of seconds');
  return Math.max(1, Math.round(ttl * 1000));
}

function checkWrite(write: Write): void {
  if ('put' in write) {
    checkKey(write.put);
    checkNodes(write.under ?? []);
    checkNumbers([write.ttl]);
    checkStamp(write.since);
  } else if ('spend' in write) {
    checkKey(write.spend);
    checkNumbers([write.graceMs]);
  } else if ('count' in write) {
    checkKey(write.count);
    checkCount(write.windowMs, write.most);
  } else if ('guard' in write) {
    checkNodes([write.guard]);
    checkStamp(write.since);
  } else if ('remove' in write) checkKey(write.remove);
  else if ('index' in write) {
    checkKey(write.index);
    checkNumbers([write.ttl]);
  } else if ('unindex' in write) checkKey(write.unindex);
  else checkNodeWrite(write);
}

function checkNodeWrite(write: Exclude<Write, { put: Key } | { spend: Key }>): void {
  if ('cut' in write) {
    checkNodes([write.cut]);
    checkNumbers([write.ttl]);
    checkStamp(write.before);
  } else if ('close' in write) {
    checkNodes([write.close]);
    checkNumbers([write.ttl]);
  } else if ('open' in write) {
    checkNodes([write.open]);
    checkNumbers([write.ttl]);
  }
}

function checkNodes(nodes: readonly string[]): void {
  if (nodes.length > maxNodes) throw new RangeError(`a document hangs under at most ${maxNodes} nodes`);
  if (nodes.some((node) => controlCharacter.test(node))) {
    throw new RangeError('the name of a node holds no control characters');
  }
}

// NaN makes every comparison false, and so would lift the limit.
function checkNumbers(values: readonly (number | undefined)[]): void {
  if (values.some((value) => value !== undefined && !Number.isFinite(value))) {
    throw new RangeError('times are finite numbers');
  }
}

function checkStamp(stamp: number | undefined): void {
  if (stamp !== undefined && (!Number.isSafeInteger(stamp) || stamp < 0)) {
    throw new RangeError('a stamp is whole microseconds since the epoch');
  }
}

function checkName(name: string): void {
  if (name.includes(':')) throw new RangeError('realm and kind hold no colon');
}

function realmOf(write: Write): string {
  if ('put' in write) return write.put.realm;
  if ('spend' in write) return write.spend.realm;
  if ('count' in write) return write.count.realm;
  if ('remove' in write) return write.remove.realm;
  if ('index' in write) return write.index.realm;
  if ('unindex' in write) return write.unindex.realm;
  return write.realm;
}
