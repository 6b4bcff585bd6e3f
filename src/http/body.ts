/**
 * The one reader of request bodies: bytes, forms and JSON. A body is received once and parsed once; every later
 * caller gets the same. A body or field that is too large is refused here, before anything is normalised, hashed or
 * matched.
 */
import type { IncomingMessage } from 'node:http';
import { findRepeatedKey } from '../base/json-keys.ts';
import { stateOf } from './request-state.ts';

/** The caller hung up in the middle of the body. */
export class BrokenOff extends Error {
  constructor() {
    super('the request was broken off');
    this.name = 'BrokenOff';
  }
}

/**
 * The whole body, or `undefined` when it is longer than `limit` bytes; the surplus is not kept. Rejects with
 * `BrokenOff` when the caller hangs up in the middle.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const state = stateOf(request);
  state.body ??= receive(request, limit);
  return state.body;
}

/** True for a body that is compressed or otherwise encoded (RFC 9110 §8.4). None is decoded: a small one can be a huge one. */
export function hasEncodedBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  return encoding !== '' && encoding !== 'identity';
}

/** Replaces the body that was, or will be, received. */
export function setBody(request: IncomingMessage, body: Buffer): void {
  stateOf(request).body = Promise.resolve(body);
}

export type FormLimits = {
  readonly maxBytes: number;
  /** The longest value of a field, in UTF-16 code units; other fields are as long as the body allows. */
  readonly longest: Readonly<Record<string, number>>;
};

export type FormReading =
  | { readonly form: URLSearchParams }
  | { readonly fault: 'too_large' | 'too_many_fields' }
  | { readonly fault: 'value_too_long'; readonly name: string };

/** The number of fields that `node:querystring` parses, which the protocol library uses. */
export const MAX_FIELDS = 1000;

/** The fields of an `application/x-www-form-urlencoded` body in UTF-8, whatever charset the request names. */
export async function readForm(request: IncomingMessage, limits: FormLimits): Promise<FormReading> {
  const body = await readBody(request, limits.maxBytes);
  if (body === undefined) return { fault: 'too_large' };
  const state = stateOf(request);
  state.form ??= parseForm(body.toString('utf8'));
  const { form } = state;
  if (form.size > MAX_FIELDS) return { fault: 'too_many_fields' };
  const name = longField(form, limits.longest);
  return name === undefined ? { form } : { fault: 'value_too_long', name };
}

/** `URLSearchParams` drops a leading question mark, which in a form is part of the first name. */
function parseForm(text: string): URLSearchParams {
  return new URLSearchParams(text.startsWith('?') ? `&${text}` : text);
}

function longField(form: URLSearchParams, longest: FormLimits['longest']): string | undefined {
  for (const [name, value] of form) {
    if (Object.hasOwn(longest, name) && value.length > (longest[name] ?? 0)) return name;
  }
  return undefined;
}

export type JsonReading =
  | { readonly value: unknown }
  | { readonly fault: 'too_large' | 'not_json' }
  | { readonly fault: 'repeated_member'; readonly path: readonly (string | number)[] };

/** A JSON body (RFC 8259) in UTF-8 in which no object has a member twice. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<JsonReading> {
  const body = await readBody(request, maxBytes);
  if (body === undefined) return { fault: 'too_large' };
  const parsed = parseJson(body);
  if (parsed === undefined) return { fault: 'not_json' };
  const path = findRepeatedKey(parsed.text);
  return path === undefined ? { value: parsed.value } : { fault: 'repeated_member', path };
}

function parseJson(body: Buffer): { readonly text: string; readonly value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { text, value: JSON.parse(text) };
  } catch {
    // Not UTF-8, or not JSON.
    return undefined;
  }
}

/** Reads by events: async iteration costs several times as much, on every request. */
function receive(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.resolve(undefined);
  // A caller that has hung up sends no event any more: waiting for one would never end.
  if (request.destroyed) return Promise.reject(new BrokenOff());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
      } else {
        request.pause();
        resolve(undefined);
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', () => reject(new BrokenOff()));
    request.once('close', () => {
      if (!request.complete) reject(new BrokenOff());
    });
  });
}
