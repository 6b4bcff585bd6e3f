/** Uses and denials in the trail of a guest token: samples, written down beside the answer. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import { createGuests } from '../../src/guest/guests.ts';
import type { Store, Write } from '../../src/storage/port/port.ts';
import { openRedis } from '../support/raw-store.ts';
import { startTestServer } from '../support/server.ts';
import { call, grant, guestRealm, introspect, mintGuest, movableClock } from './guest-support.ts';

describe('the trail of a guest token that is used', () => {
  it('has its uses less and less often', async () => {
    const time = movableClock();
    const server = await startTestServer({ realms: [guestRealm()], adapt: time.adapt });
    onTestFinished(() => server.stop());
    const { id, token } = (await mintGuest(server, grant({ lifetime: { ttl: 86_400 } }))).json;
    const eventsOf = async () => (await call(server, 'GET', `/guest-tokens/${id}/events`)).json.events;

    for (let hour = 0; hour < 23; hour += 1) {
      await introspect(server, token);
      await introspect(server, token);
      await eventsOf();
      time.forward(3600);
    }

    // After 0, 1, 3, 7 and 15 hours.
    expect(await eventsOf()).toHaveLength(1 + 5);
    time.forward(7200);
    expect((await eventsOf()).at(-1)).toMatchObject({ event: 'guest.expired', derived: true });
  });

  it('has what was noted just before the server went', async () => {
    const engine = await openRedis();
    onTestFinished(() => engine.stop());
    const options = { store: engine.url, realms: [guestRealm()] };
    const server = await startTestServer(options);
    const minted = (await mintGuest(server)).json;
    await introspect(server, minted.token);
    await server.stop();

    const next = await startTestServer(options);
    onTestFinished(() => next.stop());

    const { json } = await call(next, 'GET', `/guest-tokens/${minted.id}/events`);
    expect(json.head).toMatchObject({ seq: 2 });
  });

  it('neither delays nor fails the answer, and loses nothing while the store works', async () => {
    const lines: string[] = [];
    const gate = Promise.withResolvers<void>();
    let isBroken = true;
    const server = await startTestServer({
      realms: [guestRealm()],
      log: lines,
      adapt: (services) => {
        const store = beforeNotes(services.store, async () => {
          await gate.promise;
          if (isBroken) throw new Failure('unavailable', 'the store cannot be reached');
        });
        return { ...services, store, guests: createGuests({ ...services, store }) };
      },
    });
    onTestFinished(() => server.stop());
    const { id, token } = (await mintGuest(server)).json;
    const eventsOf = async () =>
      (await call(server, 'GET', `/guest-tokens/${id}/events`)).json.events.map(
        ({ event }: { event: string }) => event,
      );

    expect((await introspect(server, token)).json.active).toBe(true);
    gate.resolve();
    expect(await eventsOf()).toEqual(['guest.minted']);
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ msg: 'an event is missing in the trail', event: 'guest.used', guest: id }),
    );
    isBroken = false;
    expect((await introspect(server, token)).json.active).toBe(true);
    expect(await eventsOf()).toEqual(['guest.minted', 'guest.used']);
  });
});

/** A store that does something first when an event is added to a trail. */
function beforeNotes(store: Store, first: () => Promise<void>): Store {
  const isNote = (write: Write) =>
    'put' in write && write.put.kind === 'guest-trail' && write.onlyIf !== 'absent';
  return {
    ...store,
    commit: async (writes) => {
      if (writes.some(isNote)) await first();
      return store.commit(writes);
    },
  };
}
