/** Refusals of the guest model as problems. */
import type { Refused } from '../../guest/grant/refusal.ts';
import { Problem } from '../../http/problem.ts';

/** The first refusal decides the type of the problem; `errors` lists all of them. */
export function problemOf({ refused }: Refused): Problem {
  const [first] = refused;
  const code = first?.pointer === '/scope' ? 'invalid_scope' : (first?.code ?? 'invalid_request');
  const where = first === undefined || first.pointer === '' ? '' : `${first.pointer} `;
  return new Problem(code, `${where}${first?.message ?? ''}`, { faults: refused });
}
