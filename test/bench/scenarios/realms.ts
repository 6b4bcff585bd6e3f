/** Whether it matters to the realms in use how many others there are. */
import { Redis } from 'ioredis';
import { type Figure, median } from '../figures.ts';
import { interleaved, latencyOf } from '../load.ts';
import { end, startRedis } from '../processes.ts';
import { type Subject, serviceLogin, startSubject } from '../subject.ts';
import { makeRealms } from './cold-realm.ts';

const OTHERS = 100_000;
const AT_A_TIME = 2000;
/** So many that what is measured is well above a millisecond, which is as fine as it is told. */
const CONNECTIONS = 32;

/** Every key of the first realm but its signing keys, for each of `ARGV[1]` to `ARGV[2]` under a name of its own. */
const multiply = `
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local name = 'other-' .. number
  for _, key in ipairs(KEYS) do
    redis.call('COPY', key, (string.gsub(key, '{[^}]*}', '{' .. name .. '}', 1)))
  end
  redis.call('ZADD', 'dpi:{_}:realms:all', '+inf', name)
end
`;

/** `few`: a server that knows these realms and the demo's. */
export async function manyRealms(few: Subject, realms: readonly string[]): Promise<readonly Figure[]> {
  const store = await startRedis();
  const names = await makeRealms(store);
  await addOthers(store, names[0] ?? '');
  const many = await startSubject(store);
  const requests = realms.map((realm) => serviceLogin(realm));
  const p99 = (server: Subject) => () => latencyOf({ server, requests, connections: CONNECTIONS });
  const measured = { few: p99(few), many: p99(many) };
  for (const warmUp of Object.values(measured)) await warmUp();
  const { few: among, many: crowded } = await interleaved(measured);
  await end(many.process);
  const value = median(crowded.map((ms, round) => ms / (among[round] ?? Number.NaN)));
  const what = 'p99 of a token request, 100,000 realms over 10';
  const note = `${median(crowded).toFixed(1)} ms to ${median(among).toFixed(1)} ms`;
  return [{ what, value, unit: '×', target: 1.2, isRate: false, note }];
}

async function addOthers(store: string, model: string): Promise<void> {
  const redis = new Redis(store);
  const keys = (await redis.keys(`*{${model}}*`)).filter((key) => !key.includes(':keys:'));
  for (let from = 1; from <= OTHERS; from += AT_A_TIME) {
    await redis.eval(multiply, keys.length, ...keys, from, from + AT_A_TIME - 1);
  }
  redis.disconnect();
}
