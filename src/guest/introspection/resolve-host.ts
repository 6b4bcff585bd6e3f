/**
 * Hosts that a token is bound to, as the machine knows them: its own name for itself, its file of hosts, then DNS.
 * Answers in bounded time and without the thread pool that passwords are hashed on, which the system's resolver waits in.
 */

import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';

const TIMEOUT_MS = 1000;
const HOSTS = '/etc/hosts';

/** RFC 6761 §6.3: never asked of DNS. */
const localhost = /^(?:.+\.)?localhost$/i;

/** The addresses of a host; none when it has none or does not answer in time, so that nothing matches. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (localhost.test(host)) return ['127.0.0.1', '::1'];
  const named = addressesIn(await fileOfHosts(), host);
  return named.length > 0 ? named : resolveByDns(host);
}

/** What a file of hosts (hosts(5)) says of a name, in whichever case. */
export function addressesIn(file: string, host: string): readonly string[] {
  return file.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return names.some((name) => name.toLowerCase() === host.toLowerCase()) ? [address] : [];
  });
}

async function fileOfHosts(): Promise<string> {
  try {
    return await readFile(HOSTS, 'utf8');
  } catch {
    // Not every system has one: then DNS alone says.
    return '';
  }
}

async function resolveByDns(host: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}
