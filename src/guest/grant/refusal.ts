/**
 * What is wrong with a request for a guest token, as data: a code of the closed list, a pointer into what the caller
 * sent (RFC 6901), and a reason. Surfaces word the answer. A message never repeats a value of the caller.
 */
import type { z } from 'zod';
import { pointerOf } from '../../base/json-pointer.ts';

export type RefusalCode =
  /** Malformed JSON, or an unknown field (native JSON). */
  | 'invalid_request'
  /** The same in a RAR object (RFC 9396 §5); also a child that asks for more than its parent has. */
  | 'invalid_authorization_details'
  /** A resource server that the client may not name (RFC 8693 §2.2.2). */
  | 'invalid_target'
  /** Above the ceiling, where leaving a part out would change the meaning of the request. */
  | 'access_denied'
  /** A named policy that does not exist, or a parameter of it without a value. */
  | 'policy_unresolved';

export type Refusal = { readonly code: RefusalCode; readonly pointer: string; readonly message: string };

/** Never empty. */
export type Refused = { readonly refused: readonly Refusal[] };

export type Path = readonly (string | number)[];

export type Fault = { readonly path: Path; readonly message: string };

export function isRefused(outcome: object): outcome is Refused {
  return 'refused' in outcome;
}

export function refusalsOf(code: RefusalCode, faults: readonly Fault[]): Refused {
  return { refused: faults.map(({ path, message }) => ({ code, pointer: pointerOf(path), message })) };
}

/** The faults that a schema found; each unknown field is a fault of its own, at that field. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a known field' }));
  });
}

/** Collects refusals of one code. */
export type Refuse = (path: Path, message: string) => void;

const MAX_DEPTH = 32;

/**
 * Finds what a schema cannot see: nesting so deep that a recursive reader would run out of stack, and a member named
 * `__proto__`, which would be dropped in silence. Does not recurse. Returns the first fault, or `undefined`.
 */
export function findUnreadable(input: unknown): Fault | undefined {
  const open: Located[] = [{ value: input, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const members = membersOf(next);
    const hidden = members.find(({ path }) => path.at(-1) === '__proto__');
    if (hidden !== undefined) return { path: hidden.path, message: 'is not a known field' };
    if (members.length > 0 && next.path.length >= MAX_DEPTH) {
      return { path: next.path, message: `is nested deeper than ${MAX_DEPTH} levels` };
    }
    open.push(...members);
  }
  return undefined;
}

type Located = { readonly value: unknown; readonly path: Path };

function membersOf({ value, path }: Located): Located[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, member]) => ({ value: member, path: [...path, key] }));
}
