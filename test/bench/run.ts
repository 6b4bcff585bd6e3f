/**
 * `npm run bench`: how fast and how small, measured in one run against what this machine can do at all. Prints a
 * table, with `--json` the same as JSON. Exits with 1 when a target is missed. `--scale`: only how it is with many realms
 * and users; `--full`: as many as there may be; `--on=redis`: only there.
 */
import { type Figure, isMet, tableOf } from './figures.ts';
import { pinThisProcess, startRedis } from './processes.ts';
import { coldRealm, makeRealms } from './scenarios/cold-realm.ts';
import { logins } from './scenarios/logins.ts';
import { manyRealms } from './scenarios/realms.ts';
import { full, scale, small } from './scenarios/scale.ts';
import { starting } from './scenarios/start.ts';
import { throughput } from './scenarios/throughput.ts';
import { twoWorkers } from './scenarios/workers.ts';
import { startSubject } from './subject.ts';

const isPinned = pinThisProcess();
const startedAt = performance.now();
const has = (flag: string) => process.argv.includes(flag);
const size = has('--full') ? full : small;
const engines = ['redis', 'sqlite'].filter(
  (one) => !process.argv.some((arg) => arg.startsWith('--on=')) || has(`--on=${one}`),
);
const figures: readonly Figure[] = [
  ...(has('--scale') ? [] : await speed()),
  ...(await scale(engines, size)),
];
const seconds = Math.round((performance.now() - startedAt) / 1000);
const report = has('--json')
  ? JSON.stringify({
      isPinned,
      seconds,
      figures: figures.map((figure) => ({ ...figure, isMet: isMet(figure) })),
    })
  : `${tableOf(figures)}\n\n${isPinned ? 'One core each for server and load' : 'Cores not kept apart'}, ${seconds} s.`;
process.stdout.write(`${report}\n`);
process.exit(figures.every(isMet) ? 0 : 1);

async function speed(): Promise<readonly Figure[]> {
  const store = await startRedis();
  const realms = await makeRealms(store);
  const subject = await startSubject(store);
  return [
    ...(await throughput(subject, store)),
    ...(await logins(subject)),
    ...(await coldRealm(subject, realms)),
    ...(await manyRealms(subject, realms)),
    ...(await twoWorkers(subject, store)),
    ...(await starting()),
  ];
}
