import { Failure } from '../../base/errors.ts';
import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import type { Shown } from '../runtime/admin-calls.ts';
import { type Command, print } from '../runtime/command.ts';
import { type Column, json, printJson, showList } from '../runtime/output.ts';

const noKeysYet = 'the realm has no keys yet: they are made at its first use';

/** What a key is for now, in the order in which the keys of an algorithm are shown. */
const states: Readonly<Record<string, string>> = { current: 'signs', next: 'next', retired: 'retired' };

const columns: readonly Column<Shown>[] = [
  ['algorithm', ({ alg }) => alg],
  ['state', ({ state }) => states[String(state)]],
  ['kid', ({ kid }) => kid],
];

export const listKeys: Command = {
  about: 'Lists the published signing keys of a realm: algorithm, what each is for now, and its id (kid).',
  options: { ...inRealm, ...json, ...place },
  examples: ['keys list --realm acme'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const { items } = await admin.call('listKeys', { params: { realm: input.need('realm') } });
      const keys: readonly Shown[] = Array.isArray(items) ? items : [];
      if (keys.length === 0 && !input.has('json')) print(noKeysYet);
      await showList(input, keys.toSorted(byUse), columns);
      return 0;
    }),
};

/** By algorithm, and the signing one first. */
function byUse(a: Shown, b: Shown): number {
  const place = ({ alg, state }: Shown) => `${alg} ${Object.keys(states).indexOf(String(state))}`;
  return place(a).localeCompare(place(b));
}

export const rotateKeys: Command = {
  about:
    'Changes the signing keys of a realm as soon as the next ones have been published for long enough; no token\n' +
    'fails. With --now, for keys that leaked: at once, and nothing that was signed before verifies any more.',
  options: { ...inRealm, now: { help: 'at once, whatever fails by it' }, ...json, ...place },
  examples: ['keys rotate --realm acme'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const params = { realm: input.need('realm') };
      const { enabled, name } = await admin.call('getRealm', { params });
      if (enabled !== true) {
        throw new Failure('forbidden', `realm "${name}" is disabled: its keys change again once it is not`);
      }
      const report = await admin.call('rotateKeys', { params, body: { now: input.has('now') } });
      if (input.has('json')) printJson(report);
      else tellRotation(report);
      return 0;
    }),
};

function tellRotation({ rotated, scheduled }: Shown): void {
  const changed: readonly unknown[] = Array.isArray(rotated) ? rotated : [];
  const waiting: readonly Shown[] = Array.isArray(scheduled) ? scheduled : [];
  for (const alg of changed) print(`${alg}: a new key signs from now on`);
  for (const { alg, signsFrom } of waiting) print(`${alg}: the next key signs from ${signsFrom} on`);
  if (changed.length + waiting.length === 0) print(noKeysYet);
}
