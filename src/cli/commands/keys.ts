import { Failure } from '../../base/errors.ts';
import { type Command, print } from '../runtime/command.ts';
import { getRealm, withServices } from '../runtime/with-services.ts';

const realm = { value: '<name>', isRequired: true, help: 'the realm' } as const;

const noKeysYet = 'the realm has no keys yet: they are made at its first use';

/** The order in which the key ring hands out the keys of an algorithm. */
const stateAt = (position: number) => ['signs', 'next'][position] ?? 'retired';

export const listKeys: Command = {
  about: 'Lists the published signing keys of a realm: algorithm, what each is for now, and its id (kid).',
  options: { realm },
  run: (input) =>
    withServices(async (services) => {
      const { name } = await getRealm(services, input.need('realm'));
      const jwks = await services.keyRing.stored(name);
      if (jwks.length === 0) print(noKeysYet);
      for (const alg of new Set(jwks.map((key) => key.alg))) {
        const keys = jwks.filter((key) => key.alg === alg);
        for (const [position, { kid }] of keys.entries()) print([alg, stateAt(position), kid].join('\t'));
      }
      return 0;
    }),
};

export const rotateKeys: Command = {
  about:
    'Changes the signing keys of a realm as soon as the next ones have been published for long enough; no token\n' +
    'fails. With --now, for keys that leaked: at once, and nothing that was signed before verifies any more.',
  options: { realm, now: { help: 'at once, whatever fails by it' } },
  run: (input) =>
    withServices(async (services) => {
      const { name, enabled } = await getRealm(services, input.need('realm'));
      if (!enabled)
        throw new Failure('forbidden', `realm "${name}" is disabled: its keys change again once it is not`);
      const now = input.has('now');
      const actor = { kind: 'operator' } as const;
      await services.changeLog.note({ realm: name, actor, deed: 'keys.rotate', to: { now: String(now) } });
      const { rotated, scheduled } = await services.keyRing.rotate(name, { now });
      for (const alg of rotated) print(`${alg}: a new key signs from now on`);
      for (const { alg, at } of scheduled) {
        print(`${alg}: the next key signs from ${new Date(at * 1000).toISOString()} on`);
      }
      if (rotated.length + scheduled.length === 0) print(noKeysYet);
      return 0;
    }),
};
