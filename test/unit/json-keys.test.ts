import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { findRepeatedKey } from '../../src/base/json-keys.ts';

/** JSON written by hand, so that a member can be there twice. */
const text: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('1', 'true', 'null', '"a"', '"{\\"a\\":1,"', '"]},"', '"\\\\"', '""', '-1.5e3'),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(' , ')}]`),
    fc
      .array(
        fc.tuple(
          fc.constantFrom('"a"', '"b"', '"\\u0061"', '"\\""', '"x,y"', '"{"', '"__proto__"'),
          tie('value'),
        ),
        { maxLength: 4 },
      )
      .map((members) => `{${members.map(([key, value]) => `${key}:\n${value}`).join(',')}}`),
  ),
})).value;

describe('a member that is there twice', () => {
  it('is found where another reader finds one, and nowhere else', () => {
    fc.assert(
      fc.property(text, (json) => {
        JSON.parse(json);
        const errors = parseDocument(json, { uniqueKeys: true, schema: 'json' }).errors.filter(
          ({ code }) => code === 'DUPLICATE_KEY',
        );

        expect(findRepeatedKey(json) !== undefined).toBe(errors.length > 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('is in no text that was written from a value', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(findRepeatedKey(json)).toBeUndefined();
      }),
    );
  });

  it.each<[string, readonly (string | number)[]]>([
    ['{"a":1,"a":1}', ['a']],
    ['[0,{"b":[{},{"c":1,"\\u0063":2}]}]', [1, 'b', 1, 'c']],
    ['{"rows":"none","x":{"rows":1},"rows":"all"}', ['rows']],
  ])('has a path: %s', (json, path) => {
    expect(findRepeatedKey(json)).toEqual(path);
  });

  it.each(['"a"', '{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"a":"b","b":"a"}', '{"a":["a","a"]}'])(
    'is not in %s',
    (json) => {
      expect(findRepeatedKey(json)).toBeUndefined();
    },
  );

  it('is looked for in texts of any depth and size', () => {
    const deep = `${'['.repeat(30_000)}{"a":1,"a":2}${']'.repeat(30_000)}`;
    const long = JSON.stringify({ a: '\\"'.repeat(100_000), b: ['{'.repeat(100_000)] });

    expect(findRepeatedKey(deep)).toHaveLength(30_001);
    expect(findRepeatedKey(long)).toBeUndefined();
  });
});
