import type { Store } from '../../src/storage/port/port.ts';

/** A store that can hold up the next commit made through it. */
export function createGate() {
  let held: { arrive: () => void; opened: Promise<void> } | undefined;

  async function pass(): Promise<void> {
    const gate = held;
    held = undefined;
    gate?.arrive();
    await gate?.opened;
  }

  function hold() {
    const arrived = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    held = { arrive: arrived.resolve, opened: opened.promise };
    return { arrived: arrived.promise, open: opened.resolve };
  }

  const through = (store: Store): Store => ({
    ...store,
    commit: async (writes) => {
      await pass();
      return store.commit(writes);
    },
  });
  return { hold, through };
}
