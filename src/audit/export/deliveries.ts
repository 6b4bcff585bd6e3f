/**
 * Delivers the audit log of all realms to a target outside. One process does it at a time. What was delivered is
 * remembered in the store, so that nothing is left out over a restart; what was sent and not remembered is sent again.
 */
import type { Background } from '../../base/background.ts';
import { randomId } from '../../base/random.ts';
import type { Logger } from '../../observability/logger.ts';
import { AUDIT_TOPIC } from '../chain.ts';
import { placesOf, realmOfPlace, writersIndex } from '../places.ts';
import { everyMember } from '../reading.ts';
import { createLease, type Lease } from './lease.ts';
import type { Target } from './target.ts';
import { DELIVERIES, type Unsent, type UnsentDeps, unsentOf } from './unsent.ts';

export type DeliveriesDeps = UnsentDeps & {
  readonly logger: Logger;
  readonly background: Background;
  readonly target: Target;
  /** The names of all realms. */
  realms(): AsyncIterable<string>;
};

/** Milliseconds between two looks for something to deliver, and for a process that has given up. */
const LOOK_MS = 500;
const LONGEST_PAUSE_MS = 300_000;

/** Delivers until the background work of the process ends. */
export function startDeliveries(deps: DeliveriesDeps): void {
  const { store, clock, background, target } = deps;
  const key = { realm: DELIVERIES, kind: 'audit-delivery', id: target.name };
  const lease = createLease({ store, clock }, key, randomId());
  background.run(() => deliverAlways(deps, lease));
}

async function deliverAlways(deps: DeliveriesDeps, lease: Lease): Promise<void> {
  const { background, logger, target } = deps;
  const news = createNews(deps);
  let pauseMs = LOOK_MS;
  while (await background.pause(pauseMs)) {
    try {
      if (await lease.hold()) await deliverNews(deps, lease, news);
      else news.all();
      pauseMs = LOOK_MS;
    } catch (error) {
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      logger.warn(
        { target: target.name, err: error },
        'the audit log could not be delivered, it is tried again',
      );
    }
  }
  news.close();
  // Without a store it runs out by itself.
  await lease.release().catch((error: unknown) => logger.debug({ err: error }, 'a lease was not given back'));
}

/** Whose batches may wait in a place: of all writers, or of these. */
type Writers = 'all' | Set<string>;
type Place = readonly [name: string, writers: Writers];

/** Where something may wait: everywhere at first, and after messages were missed; later where a message came from. */
function createNews({ store, realms }: Pick<DeliveriesDeps, 'store' | 'realms'>) {
  const places = new Map<string, Writers>();
  let isEverywhere = true;
  const all = () => {
    isEverywhere = true;
  };
  const close = store.subscribe(AUDIT_TOPIC, {
    onMessage({ realm, message: writer }) {
      const writers = places.get(realm) ?? new Set();
      if (writers !== 'all') places.set(realm, writers.add(writer));
    },
    onGap: all,
  });

  async function findAll(): Promise<void> {
    isEverywhere = false;
    try {
      for await (const realm of realms()) for (const place of placesOf(realm)) places.set(place, 'all');
    } catch (error) {
      all();
      throw error;
    }
  }

  async function next(): Promise<Place | undefined> {
    if (isEverywhere) await findAll();
    const [place] = places;
    if (place !== undefined) places.delete(place[0]);
    return place;
  }

  return { next, all, again: ([name]: Place) => places.set(name, 'all'), close };
}

type News = ReturnType<typeof createNews>;

async function deliverNews(deps: DeliveriesDeps, lease: Lease, news: News): Promise<void> {
  for (let place = await news.next(); place !== undefined; place = await news.next()) {
    try {
      if (!(await deliverPlace(deps, lease, place))) return news.all();
    } catch (error) {
      news.again(place);
      throw error;
    }
  }
}

/** `false` when the process is to stop, or another one delivers now. */
async function deliverPlace(deps: DeliveriesDeps, lease: Lease, [place, named]: Place): Promise<boolean> {
  const writers = named === 'all' ? await everyMember(deps.store, writersIndex(place)) : [...named];
  for await (const unsent of unsentOf(deps, deps.target.name, { place, writers })) {
    if (!(await deps.background.pause(0))) return false;
    await deliver(deps, unsent);
    if (!(await lease.renew([unsent.delivered]))) return false;
  }
  return true;
}

async function deliver({ target, logger }: DeliveriesDeps, unsent: Unsent): Promise<void> {
  const { place, writer, n, events } = unsent;
  const realm = realmOfPlace(place);
  if (events === 'changed') {
    logger.error({ realm, writer, batch: n }, 'a batch of the audit log was changed in the store');
  } else if (events.length > 0) {
    await target.send({ id: `${place}.${writer}.${n}`, realm, events });
  }
}
