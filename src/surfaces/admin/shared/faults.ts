/** What is wrong with a body, as the answer tells it: a pointer (RFC 6901) to each place. */
import { pointerOf } from '../../../base/json-pointer.ts';
import { Problem, type ProblemCode } from '../../../http/problem.ts';

export type Fault = { readonly path: readonly PropertyKey[]; readonly message: string };

/** Tells everything at once; the detail repeats the first. */
export function problemOfFaults(faults: readonly Fault[], code: ProblemCode = 'invalid_request'): Problem {
  const [first] = faults;
  const where = first === undefined || first.path.length === 0 ? '' : `${pointerOf(first.path)} `;
  return new Problem(code, `${where}${first?.message ?? 'is not valid'}`, {
    faults: faults.map(({ path, message }) => ({ code, pointer: pointerOf(path), message })),
  });
}

/**
 * The faults below a place, with paths from there. Those elsewhere mean that the change does not fit to the rest of
 * the realm: they are a conflict, with paths from the realm.
 */
export function refuseFaults(faults: readonly Fault[], place: readonly PropertyKey[]): void {
  const own = faults.filter(({ path }) => place.every((step, at) => path[at] === step));
  if (own.length > 0) {
    throw problemOfFaults(own.map(({ path, message }) => ({ path: path.slice(place.length), message })));
  }
  if (faults.length > 0) throw problemOfFaults(faults, 'conflict');
}
