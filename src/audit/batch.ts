/**
 * Batches of events, as a chain of each writer. A writer is one process for one place in the store, so that several
 * processes never contend. Every batch holds the seal of the one before, its number, and when the one before expires; a
 * head says which one is the last. Seals are keyed by the master key: who can write to the store and has not the key
 * cannot make one. Pure.
 */
import { z } from 'zod';
import { equalInConstantTime } from '../base/hash.ts';
import { auditEvent } from './audit-event.ts';
import type { BatchName } from './places.ts';

/** HMAC under a key that is made of the master key (keys/seal.ts). */
export type Digest = (plain: string, context: string) => string;

/** How far another chain was when this one began: a chain that is gone altogether is missed by the next one. */
const seen = z.object({ writer: z.string(), n: z.int(), until: z.int() });

const batch = z.object({
  v: z.literal(1),
  n: z.int(),
  /** The seal of the batch before; empty for the first one. */
  prev: z.string(),
  /** When the batch before expires, and when this one does: seconds since the epoch. */
  prevUntil: z.int(),
  until: z.int(),
  seen: z.array(seen).optional(),
  events: z.array(auditEvent),
});

const head = z.object({
  v: z.literal(1),
  n: z.int(),
  /** The seal of the last batch. */
  last: z.string(),
  until: z.int(),
});

export type Batch = z.infer<typeof batch>;
export type Head = z.infer<typeof head>;
export type Seen = z.infer<typeof seen>;
export type Sealed<T> = { readonly value: T; readonly seal: string };

const SEAL_LENGTH = 43;

/** The text of a batch in the store: its seal, and JSON. */
export function encodeBatch(digest: Digest, place: string, name: BatchName, value: Batch): Sealed<string> {
  return encode(digest, batchContext(place, name), value);
}

/** `undefined` for a text that was changed, moved from elsewhere, or sealed with another key. */
export function decodeBatch(
  digest: Digest,
  place: string,
  name: BatchName,
  text: string,
): Sealed<Batch> | undefined {
  return decode(digest, batchContext(place, name), text, batch);
}

export function encodeHead(digest: Digest, place: string, writer: string, value: Head): string {
  return encode(digest, `${place}/audit-head/${writer}`, value).value;
}

export function decodeHead(digest: Digest, place: string, writer: string, text: string): Head | undefined {
  return decode(digest, `${place}/audit-head/${writer}`, text, head)?.value;
}

function batchContext(place: string, { writer, n }: BatchName): string {
  return `${place}/audit/${writer}/${n}`;
}

function encode(digest: Digest, context: string, value: object): Sealed<string> {
  const text = JSON.stringify(value);
  const seal = digest(text, context);
  return { value: seal + text, seal };
}

function decode<T>(
  digest: Digest,
  context: string,
  sealed: string,
  schema: z.ZodType<T>,
): Sealed<T> | undefined {
  const [seal, text] = [sealed.slice(0, SEAL_LENGTH), sealed.slice(SEAL_LENGTH)];
  if (!equalInConstantTime(seal, digest(text, context))) return undefined;
  return { value: schema.parse(JSON.parse(text)), seal };
}
