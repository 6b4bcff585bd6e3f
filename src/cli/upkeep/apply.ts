import { styleText } from 'node:util';
import { loadSettings } from '../../config/load.ts';
import { type LoadedRealm, orFaults, passedOverText, readRealmFiles } from '../../config/realm-files.ts';
import type { ApplyOptions } from '../../registry/apply/apply.ts';
import type { Plan } from '../../registry/apply/plan.ts';
import type { RealmFile } from '../../registry/model/model.ts';
import type { Services } from '../../services.ts';
import { type Command, type Input, print } from '../runtime/command.ts';
import { requireConsent, yes } from '../runtime/confirm.ts';
import { json, printJson } from '../runtime/output.ts';
import { linesOf, planAsJson } from '../runtime/plan-text.ts';
import { createProgress } from '../runtime/progress.ts';
import { theOperator, withServices } from '../runtime/with-services.ts';

const prune = {
  prune: { help: 'also remove what the files do not name; self-registered clients stay' },
} as const;

const howPruned =
  'With --prune, clients, users, APIs, roles, policies and sections of embed products that the file of their realm\n' +
  'does not name are removed. A list that the file does not have at all is left alone, and so is a realm without a\n' +
  'file. Without it they are named as "not in the file".';

/** Exit code of `plan` when there is something to change. */
const CHANGES = 2;

export const plan: Command = {
  about:
    'Tells what `apply` would do: what is created (+), changed (~) and removed (-), and each changed field with what\n' +
    `it was and would be. Secrets are hidden. ${howPruned}\n` +
    'The exit code is 0 when nothing would change, 2 when something would, 1 for a failure. Needs the store.',
  argument: 'folder',
  options: { ...prune, ...json },
  examples: ['plan ./config', 'plan ./config --prune --json'],
  async run(input) {
    const realms = await filesOf(input);
    return withServices(async (services) => {
      const plans = await plansOf(services, realms, reachOf(input));
      tell(input, plans);
      return plans.some(([, { changes }]) => changes.length > 0) ? CHANGES : 0;
    });
  },
};

export const apply: Command = {
  about:
    'Applies the realm files in <folder>/realms to the store, and says what that changed, as `plan` would. The folder\n' +
    'is DAYPASS_CONFIG when none is given. Nothing is applied when a file has a fault. To apply them again changes\n' +
    `nothing. ${howPruned} Needs the store.`,
  argument: 'folder',
  options: { ...prune, ...yes, ...json },
  examples: ['apply ./config', 'apply ./config --prune --yes'],
  async run(input) {
    const realms = await filesOf(input);
    return withServices(async (services) => {
      if (input.has('prune')) await askForRemovals(input, await plansOf(services, realms, reachOf(input)));
      const registry = services.registry.by(theOperator);
      const plans: NamedPlan[] = [];
      for (const { name, file } of realms) {
        const done = await withProgress(file, (onUsers) =>
          registry.applyPlanned(file, { ...reachOf(input), onUsers }),
        );
        plans.push([name, done]);
        if (!input.has('json')) tell(input, [[name, done]]);
      }
      if (input.has('json')) tell(input, plans);
      return 0;
    });
  },
};

type NamedPlan = readonly [realm: string, plan: Plan];

/** Files that are passed over are told, beside the results. */
async function filesOf({ argument }: Input): Promise<readonly LoadedRealm[]> {
  const { realms, passedOver } = orFaults(await readRealmFiles(argument ?? loadSettings().configFolder));
  for (const file of passedOver) process.stderr.write(`${passedOverText(file)}\n`);
  return realms;
}

function reachOf(input: Input): ApplyOptions {
  return { strays: input.has('prune') ? 'prune' : 'name' };
}

async function plansOf(
  { registry }: Services,
  realms: readonly LoadedRealm[],
  options: ApplyOptions,
): Promise<readonly NamedPlan[]> {
  const plans: NamedPlan[] = [];
  for (const { name, file } of realms) {
    const planned = await withProgress(file, (onUsers) => registry.planRealm(file, { ...options, onUsers }));
    plans.push([name, planned]);
  }
  return plans;
}

async function withProgress<T>(
  { name, users = [] }: RealmFile,
  work: (onUsers: (count: number) => void) => Promise<T>,
): Promise<T> {
  const progress = createProgress(`realm ${name}: users`, users.length);
  try {
    return await work(progress.add);
  } finally {
    progress.end();
  }
}

async function askForRemovals(input: Input, plans: readonly NamedPlan[]): Promise<void> {
  const isSmaller = ({ changes }: Plan) =>
    changes.some(
      ({ changed: { what, before, after } }) => after === undefined || (what === 'realm' && before),
    );
  const removing = plans.filter(([, one]) => isSmaller(one));
  if (removing.length === 0 || input.has('yes')) return;
  for (const [name, one] of removing)
    for (const line of linesOf(name, one)) process.stderr.write(`${line}\n`);
  await requireConsent(input, 'Apply this, removals included?');
}

function tell(input: Input, plans: readonly NamedPlan[]): void {
  if (input.has('json')) printJson(plans.map(([name, one]) => planAsJson(name, one)));
  else for (const [name, one] of plans) for (const line of linesOf(name, one)) print(coloured(line));
}

/** Only where people look, and not where they asked for none (NO_COLOR). */
function coloured(line: string): string {
  if (!process.stdout.isTTY) return line;
  const colour = ({ '+': 'green', '-': 'red', '~': 'yellow' } as const)[line.trimStart().charAt(0)];
  return colour === undefined ? line : styleText(colour, line);
}
