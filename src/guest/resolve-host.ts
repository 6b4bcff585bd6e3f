/** Hosts that a token is bound to. Answers in bounded time and without the thread pool that passwords are hashed on. */
import { Resolver } from 'node:dns/promises';

const TIMEOUT_MS = 1000;

/** The addresses of a host; none when it has none or does not answer in time, so that nothing matches. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}
