/**
 * Outgoing fetches (`jwks_uri`, sector documents, back-channel logout): never from private, link-local or loopback
 * addresses. A name is resolved, each of its addresses is checked, and the connection goes to one of these. The library
 * would look at the address after it has connected.
 */
import { lookup as resolveName } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Configuration } from 'oidc-provider';
import type { Agent } from 'undici';
import { isSpecialUse } from './special-use.ts';

type Fetch = NonNullable<Configuration['fetch']>;

/** Milliseconds after which a fetch that failed is told to have failed: the longest that the library waits. */
const FAILURE_MS = 2500;

/** Tests bring their own. */
type Guard = {
  readonly resolve?: (name: string) => Promise<readonly { address: string; family: number }[]>;
  readonly isRefused?: (address: string) => boolean;
  readonly failureMs?: number;
};

/** The library's option for fetches. Development and tests may open them. */
export function guardedFetch(allowPrivate: boolean): Pick<Configuration, 'fetch'> {
  return { fetch: allowPrivate ? fetchAnywhere : createGuardedFetch() };
}

const fetchAnywhere: Fetch = (url, options) => {
  const { dispatcher, ...open } = { dispatcher: undefined, ...options };
  return globalThis.fetch(url, open);
};

/**
 * Redirects are not followed. Every failure is told at the same time after the start, so that nobody learns whether a
 * name is there, is refused, or has an open port.
 */
export function createGuardedFetch({ failureMs = FAILURE_MS, ...guard }: Guard = {}): Fetch {
  let agent: Promise<Agent> | undefined;
  return async function fetchFromPublic(url, options) {
    const end = pause(failureMs, undefined, { ref: false });
    try {
      agent ??= guardedAgent(guard);
      // An object without known members: Node's types describe the dispatchers of another version of undici.
      const guarded: object = { ...options, redirect: 'manual', dispatcher: await agent };
      return await globalThis.fetch(url, guarded);
    } catch (error) {
      await end;
      throw new Error('the address cannot be fetched from', { cause: error });
    }
  };
}

/**
 * The address of a literal never reaches `lookup`, so it is checked before. Undici is loaded at the first fetch: most
 * servers make none, and it takes memory.
 */
async function guardedAgent({ resolve = allAddresses, isRefused = isSpecialUse }: Guard): Promise<Agent> {
  const { Agent, buildConnector } = await import('undici');
  const connect = buildConnector({ lookup: guardedLookup(resolve, isRefused) });
  return new Agent({
    connect: (options, callback) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && isRefused(host)) callback(new Error('the address is refused'), null);
      else connect(options, callback);
    },
  });
}

function guardedLookup(
  resolve: NonNullable<Guard['resolve']>,
  isRefused: NonNullable<Guard['isRefused']>,
): LookupFunction {
  return function lookup(name, { all }, callback) {
    resolve(name).then(
      (found) => {
        const [first] = found;
        if (first === undefined || found.some(({ address }) => isRefused(address))) {
          callback(new Error('the name leads to an address that is refused'), []);
        } else if (all === true) callback(null, [...found]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}

function allAddresses(name: string) {
  return resolveName(name, { all: true });
}
