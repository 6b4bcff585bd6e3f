/**
 * Applies realm files to the store. What a file names becomes as the file says, defaults included. What it does not
 * name stays. To apply a file again changes and writes nothing.
 */

import { mergeClient, mergeSettings } from '../model/merge.ts';
import type { ClientInput, RealmFile } from '../model/model.ts';
import { clientWrites } from '../store/clients.ts';
import { isSame, retried } from '../store/committer.ts';
import { announceRealm, settingsWrites } from '../store/realms.ts';
import { clientKey, settingsKey } from '../store/records.ts';
import { createUserPlan } from './apply-users.ts';
import { type ApplyDeps, readAll, type Step } from './plan.ts';

/** Names of things with their kind: `realm acme`, `client dc-ui`, `user ada.admin`. */
export type Applied = {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: number;
};

/** The most steps of one commit: a long script in the store keeps other requests waiting. */
const COMMIT_STEPS = 250;

export function createApply(deps: ApplyDeps) {
  const { committer } = deps;
  const planUsers = createUserPlan(deps);

  /**
   * Rejects with `Failure('conflict')` when a user of the file wants a name or address of a user that the file does
   * not name; then nothing was applied. A password is hashed only when the stored hash is not a hash of it.
   */
  async function applyRealm(file: RealmFile): Promise<Applied> {
    const done = new Map<string, Step>();
    await retried(async () => {
      const steps = [
        ...(await planSettings(deps, file)),
        ...(await planClients(deps, file)),
        ...(await planUsers(file)),
      ];
      // Somebody else changed one of the things in between: the rest is planned anew.
      return (await commitAll(file.name, steps, done)) || undefined;
    });
    return reportOf(file, [...done.values()]);
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

  return { applyRealm };
}

async function planSettings(deps: ApplyDeps, file: RealmFile): Promise<readonly Step[]> {
  const { store, codec } = deps;
  const key = settingsKey(file.name);
  const [document] = await store.read([key]);
  const before = document && { value: codec.decodeSettings(key, document.value), stamp: document.stamp };
  const after = mergeSettings(before?.value, file);
  if (before !== undefined && isSame(before.value, after)) return [];
  if (before === undefined) await announceRealm(store, file.name);
  const writes = settingsWrites(deps, before, after);
  const changed = { what: 'realm', before: before?.value, after } as const;
  return [{ label: `realm ${file.name}`, isNew: before === undefined, changed, writes }];
}

async function planClients(
  deps: ApplyDeps,
  { name: realm, clients = [] }: RealmFile,
): Promise<readonly Step[]> {
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
        isNew: before === undefined,
        changed: { what: 'client', id: input.id, before: before?.value, after },
        writes: clientWrites(deps, realm, { before, after }),
      },
    ];
  }

  return clients.flatMap(planClient);
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

function reportOf({ clients = [], users = [] }: RealmFile, done: readonly Step[]): Applied {
  const labels = (isNew: boolean) => done.filter((step) => step.isNew === isNew).map(({ label }) => label);
  const named = 1 + clients.length + users.length;
  return { created: labels(true), updated: labels(false), unchanged: named - done.length };
}
