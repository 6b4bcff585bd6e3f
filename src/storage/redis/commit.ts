/** Writes of the port as keys and arguments of the commit script. */
import { milliseconds } from '../port/checks.ts';
import type { Key, Write } from '../port/port.ts';
import { channelOf, counterKey, documentKey, indexKey, nodeHash, realmNodeKey, stampKey } from './keys.ts';

type Argument = string | number | Buffer;
type Step = { readonly key?: string; readonly args: readonly Argument[] };
type Put = Extract<Write, { put: Key }>;
type NodeWrite = Extract<Write, { cut: string } | { close: string } | { open: string }>;

const absent = '';

/** The number of keys, the keys, the arguments. `db` is the number of the database. */
export function commitArguments(
  realm: string,
  writes: readonly Write[],
  db: number,
): [number, ...Argument[]] {
  const steps = writes.map((write) => stepOf(write, db));
  const keys = steps.flatMap(({ key }) => key ?? []);
  const args = steps.flatMap((step) => step.args);
  return [keys.length + 2, stampKey(realm), realmNodeKey(realm), ...keys, ...args];
}

function stepOf(write: Write, db: number): Step {
  if ('put' in write) return putStep(write);
  if ('spend' in write) return { key: documentKey(write.spend), args: ['spend', write.graceMs ?? 0] };
  if ('count' in write) {
    return { key: counterKey(write.count), args: ['count', write.windowMs, write.most] };
  }
  if ('guard' in write) return { args: ['guard', nodeHash(write.guard), write.since] };
  if ('remove' in write) return { key: documentKey(write.remove), args: ['remove'] };
  if ('index' in write) return { key: indexKey(write.index), args: ['index', write.member, life(write.ttl)] };
  if ('unindex' in write) return { key: indexKey(write.unindex), args: ['unindex', write.member] };
  if ('publish' in write) return { args: ['publish', channelOf(db, write.publish), packMessage(write)] };
  return nodeStep(write);
}

function putStep({ put, value, ttl, under = [], onlyIf, since }: Put): Step {
  const nodes = under.length === 0 ? '' : Buffer.concat(under.map(nodeHash));
  return {
    key: documentKey(put),
    args: ['put', value, life(ttl), nodes, onlyIf ?? absent, since ?? absent],
  };
}

function nodeStep(write: NodeWrite): Step {
  if ('cut' in write) {
    return { args: ['cut', nodeHash(write.cut), life(write.ttl), write.before ?? absent] };
  }
  if ('close' in write) return { args: ['close', nodeHash(write.close), life(write.ttl)] };
  return { args: ['open', nodeHash(write.open), life(write.ttl)] };
}

function life(ttl: number | undefined): number | string {
  return ttl === undefined ? absent : milliseconds(ttl);
}

/** The name of a realm contains no colon, so the first colon ends it. */
function packMessage({ realm, message }: { realm: string; message: string }): string {
  return `${realm}:${message}`;
}

export function unpackMessage(packed: string): { realm: string; message: string } {
  const colon = packed.indexOf(':');
  return { realm: packed.slice(0, colon), message: packed.slice(colon + 1) };
}
