import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ColumnDecision,
  type Columns,
  columns,
  decideColumn,
  narrowColumns,
} from '../../src/guest/grant/columns.ts';

const names = ['salary', 'Salary', 'email', 'name', 'age'];
const someNames = (minLength: number) => fc.uniqueArray(fc.constantFrom(...names), { minLength });
const policy: fc.Arbitrary<Columns> = fc
  .record(
    {
      allow: someNames(0),
      deny: someNames(1),
      mask: fc.dictionary(fc.constantFrom(...names), fc.constantFrom('null', 'hash', 'last4', 'bucket')),
    },
    { requiredKeys: [] },
  )
  .map((given) => columns.safeParse(given).data)
  .filter((given) => given !== undefined);

/** How much of a value is seen: nothing, something else instead, or all. */
function openness(decision: ColumnDecision): number {
  if (decision === 'deny') return 0;
  return decision === 'show' ? 3 : Number(decision.mask !== 'null') + 1;
}

describe('decideColumn', () => {
  it('shows everything without a policy, and what is allowed or not denied with one', () => {
    expect(decideColumn(undefined, 'salary')).toBe('show');
    expect(decideColumn({ allow: ['name'] }, 'name')).toBe('show');
    expect(decideColumn({ allow: ['name'] }, 'salary')).toBe('deny');
    expect(decideColumn({ allow: [] }, 'name')).toBe('deny');
    expect(decideColumn({ deny: ['salary'] }, 'name')).toBe('show');
  });

  it.each(['salary', 'SALARY', 'Sálary'])('denies and masks %s whatever its case and accents', (name) => {
    expect(decideColumn({ deny: ['Salary'] }, name)).toBe('deny');
    expect(decideColumn({ mask: { Salary: 'hash' } }, name)).toEqual({ mask: 'hash' });
  });

  it('allows a name only as it is written', () => {
    expect(decideColumn({ allow: ['Salary'] }, 'salary')).toBe('deny');
  });
});

describe('narrowColumns', () => {
  it('never shows what the parent does not, nor what the child does not', () => {
    fc.assert(
      fc.property(policy, policy, fc.constantFrom(...names), (parent, child, name) => {
        const narrowed = narrowColumns(parent, child);
        fc.pre(narrowed !== undefined);
        const shown = [parent, child, narrowed].map((one) => decideColumn(one, name));
        const [above = 0, asked = 0, decided = 0] = shown.map(openness);

        expect(decided).toBeLessThanOrEqual(Math.min(above, asked));
      }),
    );
  });

  it('refuses a child that asks for more', () => {
    expect(narrowColumns({ deny: ['salary'] }, { allow: ['name', 'SALARY'] })).toBeUndefined();
    expect(narrowColumns({ allow: ['name'] }, { allow: ['name', 'age'] })).toBeUndefined();
    expect(narrowColumns({ mask: { email: 'hash' } }, { mask: { EMAIL: 'last4' } })).toBeUndefined();
  });

  it('gives a policy that is valid again', () => {
    fc.assert(
      fc.property(policy, policy, (parent, child) => {
        const narrowed = narrowColumns(parent, child);

        if (narrowed !== undefined) expect(columns.parse(narrowed)).toEqual(narrowed);
      }),
    );
  });
});
