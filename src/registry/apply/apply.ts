/**
 * Applies realm files to the store. What a file names becomes as the file says, defaults included. What it does not
 * name stays. To apply a file again changes and writes nothing.
 */

import { mergeClient, mergeSettings, prunedSettings, strayNames } from '../model/merge.ts';
import type { ClientInput, RealmFile } from '../model/model.ts';
import { clientWrites } from '../store/clients.ts';
import { isSame, retried } from '../store/committer.ts';
import { announceRealm, settingsWrites } from '../store/realms.ts';
import { clientKey, settingsKey } from '../store/records.ts';
import { createUserPlan } from './apply-users.ts';
import { type ApplyDeps, type Part, type Plan, type Reach, readAll, type Step } from './plan.ts';
import { strayClients } from './strays.ts';

/** Names of things with their kind: `realm acme`, `client dc-ui`, `user ada.admin`. */
export type Applied = {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: number;
};

/** What `planRealm` and `applyPlanned` take beside the file. */
export type ApplyOptions = Pick<Reach, 'strays' | 'onUsers'>;

/** The most steps of one commit: a long script in the store keeps other requests waiting. */
const COMMIT_STEPS = 250;

export function createApply(deps: ApplyDeps) {
  const { committer, store } = deps;
  const planUsers = createUserPlan(deps);

  async function planParts(file: RealmFile, reach: Reach): Promise<Part> {
    const parts = [
      await planSettings(deps, file, reach),
      await planClients(deps, file, reach),
      await planUsers(file, reach),
    ];
    return {
      steps: parts.flatMap(({ steps }) => steps),
      strays: parts.flatMap(({ strays }) => strays),
    };
  }

  /** What `applyPlanned` would do now. Writes nothing. */
  async function planRealm(file: RealmFile, options: ApplyOptions): Promise<Plan> {
    return planOf(file, await planParts(file, { ...options, isTrial: true }));
  }

  /**
   * Rejects with `Failure('conflict')` when a user of the file wants a name or address of a user that the file does
   * not name; then nothing was applied. A password is hashed only when the stored hash is not a hash of it.
   */
  async function applyPlanned(file: RealmFile, options: ApplyOptions): Promise<Plan> {
    const done = new Map<string, Step>();
    let left: readonly string[] = [];
    await retried(async () => {
      const part = await planParts(file, { ...options, isTrial: false });
      left = part.strays;
      if (part.steps.some(isNewRealm)) await announceRealm(store, file.name);
      // Somebody else changed one of the things in between: the rest is planned anew.
      return (await commitAll(file.name, part.steps, done)) || undefined;
    });
    return planOf(file, { steps: [...done.values()], strays: left });
  }

  async function applyRealm(file: RealmFile): Promise<Applied> {
    const { changes, unchanged } = await applyPlanned(file, { strays: 'keep' });
    const labels = (isNew: boolean) =>
      changes.filter(({ changed }) => (changed.before === undefined) === isNew).map(({ label }) => label);
    return { created: labels(true), updated: labels(false), unchanged };
  }

  async function commitAll(realm: string, steps: readonly Step[], done: Map<string, Step>): Promise<boolean> {
    for (const batch of batchesOf(steps)) {
      const writes = batch.flatMap((step) => step.writes);
      const changes = batch.map(({ changed }) => changed);
      const result = await committer.commit(realm, writes, changes);
      if (!result.ok) return false;
      for (const step of batch) done.set(step.label, step);
    }
    return true;
  }

  return { planRealm, applyPlanned, applyRealm };
}

function isNewRealm({ changed }: Step): boolean {
  return changed.what === 'realm' && changed.before === undefined;
}

async function planSettings(deps: ApplyDeps, file: RealmFile, { strays }: Reach): Promise<Part> {
  const { store, codec } = deps;
  const key = settingsKey(file.name);
  const [document] = await store.read([key]);
  const before = document && { value: codec.decodeSettings(key, document.value), stamp: document.stamp };
  const isPruned = before !== undefined && strays === 'prune';
  const after = mergeSettings(isPruned ? prunedSettings(before.value, file) : before?.value, file);
  const named = strays === 'name' ? strayNames(before?.value, file) : [];
  if (before !== undefined && isSame(before.value, after)) return { steps: [], strays: named };
  const writes = settingsWrites(deps, before, after);
  const changed = { what: 'realm', before: before?.value, after } as const;
  return { steps: [{ label: `realm ${file.name}`, changed, writes }], strays: named };
}

async function planClients(deps: ApplyDeps, file: RealmFile, reach: Reach): Promise<Part> {
  const { name: realm, clients = [] } = file;
  const { store, codec } = deps;
  const keys = clients.map(({ id }) => clientKey(realm, id));
  const documents = await readAll(store, keys);

  function planClient(input: ClientInput, at: number): readonly Step[] {
    const [key, document] = [keys[at], documents[at]];
    const before = key &&
      document && { value: codec.decodeClient(key, document.value), stamp: document.stamp };
    const after = mergeClient(before?.value, input);
    if (before !== undefined && isSame(before.value, after)) return [];
    return [
      {
        label: `client ${input.id}`,
        changed: { what: 'client', id: input.id, before: before?.value, after },
        writes: clientWrites(deps, realm, { before, after }),
      },
    ];
  }

  const steps = clients.flatMap(planClient);
  if (reach.strays === 'keep' || file.clients === undefined) return { steps, strays: [] };
  const strays = await strayClients(deps, realm, new Set(clients.map(({ id }) => id)));
  if (reach.strays === 'prune') return { steps: [...strays, ...steps], strays: [] };
  return { steps, strays: strays.map(({ label }) => label) };
}

function batchesOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const batches: Step[][] = [];
  let size = COMMIT_STEPS;
  for (const step of steps) {
    if (size + step.writes.length > COMMIT_STEPS) {
      batches.push([]);
      size = 0;
    }
    batches.at(-1)?.push(step);
    size += step.writes.length;
  }
  return batches;
}

function planOf({ clients = [], users = [] }: RealmFile, { steps, strays }: Part): Plan {
  const named = 1 + clients.length + users.length;
  const touched = steps.filter(({ changed }) => changed.after !== undefined).length;
  return {
    changes: steps.map(({ label, changed }) => ({ label, changed })),
    strays,
    unchanged: named - touched,
  };
}
