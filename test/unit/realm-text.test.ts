import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentText, realmTextOf } from '../../src/config/realm-text.ts';
import { readYaml } from '../../src/config/yaml-source.ts';
import type { RealmFile } from '../../src/registry/model/model.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    `\${NAME}`,
    `$\${`,
    `$$\${x}`,
    '<<',
    'yes',
    'null',
    '1e3',
    '- a',
    '#',
    "'",
    '"',
    ' x ',
    'a\nb\n',
    '~',
    '=',
    '*a',
  ),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
})).value;

const file = fc.record({
  name: fc.constantFrom('acme', '7up', 'daypass-x'),
  displayName: text,
  clients: fc.array(
    fc.record({ id: fc.constantFrom('a', 'A', 'a-b', 'a_b', '日本'), secret: fc.string({ minLength: 8 }) }),
    { maxLength: 4 },
  ),
  users: fc.array(
    fc.record({
      username: text,
      attributes: fc.dictionary(
        text.filter((name) => name !== '__proto__'),
        json,
      ),
    }),
    {
      maxLength: 2,
    },
  ),
  compat: fc.record({
    semaphor: fc.record({
      dashboards: fc.array(fc.record({ id: text, secret: fc.string({ minLength: 1 }) })),
    }),
  }),
});

describe('the text of a realm file', () => {
  it.each([true, false])('reads as the file that it was written from (secrets in it: %s)', (isPlain) => {
    fc.assert(
      fc.property(file, (written) => {
        const { yaml, secrets } = realmTextOf(written as RealmFile, { isPlain });
        const { value, faults } = readYaml(yaml, Object.fromEntries(secrets));

        expect(faults).toEqual([]);
        expect(value).toEqual(written);
      }),
      { numRuns: 500 },
    );
  });

  it('names each secret once, as every shell can, and keeps them out of the text', () => {
    const secret = 'a secret of nobody else';
    const clients = ['a-b', 'a_b', 'A b'].map((id) => ({ id, secret, previousSecret: secret }));
    const { yaml, secrets } = realmTextOf({ name: '7up', clients }, { isPlain: false });

    expect(yaml).not.toContain(secret);
    expect([...secrets.keys()]).toEqual([
      '_7UP_A_B_SECRET',
      '_7UP_A_B_PREVIOUS_SECRET',
      '_7UP_A_B_SECRET_2',
      '_7UP_A_B_PREVIOUS_SECRET_2',
      '_7UP_A_B_SECRET_3',
      '_7UP_A_B_PREVIOUS_SECRET_3',
    ]);
    expect(
      realmTextOf({ name: 'daypass-x', clients: [{ id: 'a', secret }] }, { isPlain: false }).yaml,
    ).toContain(`\${_DAYPASS_X_A_SECRET}`);
  });

  it('quotes values for a shell', () => {
    const secrets = new Map([
      ['A', 'plain-1'],
      ['B', "it's $HOME `x` \\"],
    ]);

    expect(environmentText(secrets)).toBe("A=plain-1\nB='it'\\''s $HOME `x` \\'\n");
  });
});
