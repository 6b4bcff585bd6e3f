/**
 * Resolves the host names in a binding: the machine's own name, its hosts file, then DNS. Answers in bounded time,
 * and does not use the thread pool, where password hashing would delay it.
 */

import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';

const TIMEOUT_MS = 1000;
const HOSTS = '/etc/hosts';

/** RFC 6761 §6.3: never asked of DNS. */
const localhost = /^(?:.+\.)?localhost$/i;

/** The addresses of a host; none when it has none or DNS is too slow, so that nothing matches. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (localhost.test(host)) return ['127.0.0.1', '::1'];
  const named = addressesIn(await fileOfHosts(), host);
  return named.length > 0 ? named : resolveByDns(host);
}

/** The addresses that a hosts file (hosts(5)) has for a name, in any case. */
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
    // Some systems have no hosts file: then DNS alone is asked.
    return '';
  }
}

async function resolveByDns(host: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}
