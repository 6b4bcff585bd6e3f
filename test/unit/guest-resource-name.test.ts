import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resourceTypes } from '../../src/guest/grant/actions.ts';
import { isNamed } from '../../src/guest/grant/resource-name.ts';

const type = fc.constantFrom(...resourceTypes, 'custom:story', 'custom:a', 'custom:9-x_y');
const word = fc.constantFrom('dash-1', 'team', 'custom', 'story', ':', '', 'metric', 'x y');
const id = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.array(fc.oneof(type, word), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(':') || ':'),
);
const resource = fc.record({ type, id });

/** By the list of types, not by a pattern: the test's own reading of the rule. */
const customNames = ['story', 'a', '9-x_y'].map((name) => `custom:${name}`);
const isQualified = (name: string) =>
  [...resourceTypes, ...customNames].some((one) => name.startsWith(`${one}:`)) ||
  /^custom:[a-z0-9][a-z0-9_-]{0,63}:/.test(name);

describe('the name of a resource', () => {
  it('means it only as type and id, or as an id that begins as no type does', () => {
    fc.assert(
      fc.property(resource, fc.oneof(id, resource), (one, asked) => {
        const name = typeof asked === 'string' ? asked : `${asked.type}:${asked.id}`;
        const expected = isQualified(name) ? name === `${one.type}:${one.id}` : name === one.id;

        expect(isNamed(one, name)).toBe(expected);
      }),
    );
  });

  it('with its type means exactly one resource', () => {
    fc.assert(
      fc.property(resource, resource, (one, another) => {
        const isSame = one.type === another.type && one.id === another.id;

        expect(isNamed(another, `${one.type}:${one.id}`)).toBe(isSame);
      }),
    );
  });
});
