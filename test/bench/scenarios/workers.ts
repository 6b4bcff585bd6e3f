/** What a second process adds, where each has a core of its own. */
import type { Figure } from '../figures.ts';
import { interleaved, rateOf, send } from '../load.ts';
import { end, LOAD_CORE, SUBJECT_CORE } from '../processes.ts';
import { introspection, type Subject, serviceLogin, startSubject } from '../subject.ts';
import { ratio } from './throughput.ts';

/** For each process, so that each has as much to do as the one. */
const CONNECTIONS = 32;
/** The second one shares its core with the load, which costs it no computing time of its own. */
const BOTH = `${SUBJECT_CORE},${LOAD_CORE}`;

/** `one`: a server of one process on this store. */
export async function twoWorkers(one: Subject, store: string): Promise<readonly Figure[]> {
  const two = await startSubject(store, { env: { DAYPASS_WORKERS: '2' }, core: BOTH });
  const { access_token: token } = await send(one.url, serviceLogin('acme'));
  const requests = [introspection(String(token))];
  const measured = {
    one: () => rateOf({ server: one, requests, connections: CONNECTIONS }),
    // A rate is that of one core; two have twice as many.
    two: async () => 2 * (await rateOf({ server: two, requests, connections: 2 * CONNECTIONS })),
  };
  for (const warmUp of Object.values(measured)) await warmUp();
  const rates = await interleaved(measured);
  await end(two.process);
  return [ratio('2 workers ÷ 1, introspection', 1.8, rates.two, rates.one)];
}
