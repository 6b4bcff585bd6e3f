/**
 * Sends back-channel logout notices in the background, after the person's answer. A client that cannot be reached is
 * tried again, each time with a new token: a client that noted the first `jti` would treat the second notice as a
 * replay.
 */
import type { RealmContext } from '../realm/realm-context.ts';

/** The pauses between tries. */
const PAUSES_MS = [1000, 5000];

type Parts = Pick<RealmContext, 'background' | 'logger' | 'name'>;
/** Each `send` makes a token and posts it; it rejects when the client does not accept it. */
type Notice = { readonly clientId: string; send(): Promise<void> };

/** Runs in the background and never rejects. A notice that no try has delivered is logged. */
export function tellOfLogout({ background, logger, name }: Parts, { clientId, send }: Notice): void {
  background.run(async () => {
    let problem = await problemOf(send);
    let tries = 1;
    for (const ms of PAUSES_MS) {
      if (problem === undefined || !mayPass(problem) || !(await background.pause(ms))) break;
      problem = await problemOf(send);
      tries += 1;
    }
    if (problem === undefined) return;
    logger.warn(
      { realm: name, client: clientId, tries, error: problem.message },
      'back-channel logout failed',
    );
  });
}

async function problemOf(send: () => Promise<void>): Promise<Error | undefined> {
  try {
    await send();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error('unknown', { cause: error });
  }
}

/** OIDC Back-Channel Logout §2.5: only what may be an outage is tried again. A refusal is an answer. */
function mayPass(problem: Error): boolean {
  const response = 'response' in problem ? problem.response : undefined;
  return !(response instanceof Response) || response.status >= 500 || response.status === 429;
}
