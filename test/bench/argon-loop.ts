/** Argon2id and nothing else, at the cost that logins have. Argument: milliseconds. Prints hashes per second of computing. */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { makeHash } from '../../src/registry/passwords/password-formats.ts';

const until = performance.now() + Number(process.argv[2]);
const before = process.cpuUsage();
let count = 0;

async function hashAway(): Promise<void> {
  while (performance.now() < until) {
    await makeHash('my_password');
    count += 1;
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, hashAway));
const { user, system } = process.cpuUsage(before);
process.stdout.write(`rate ${(count * 1e6) / (user + system)}\n`);
