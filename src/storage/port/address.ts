/** Where a store is, as an operator writes it. Pure: settings are checked with it before anything is opened. */
import { Failure } from '../../base/errors.ts';

export type RedisAddress = {
  readonly engine: 'redis';
  readonly host: string;
  readonly port: number;
  /** Number of the database. */
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly isTls: boolean;
};

export type StoreAddress = { readonly engine: 'embedded'; readonly path: string } | RedisAddress;

/**
 * `sqlite:./path`, `redis://` or `rediss://` with `[user][:password@]host[:port][/number]`. Throws
 * `Failure('invalid_input')` for anything else, without repeating it: it may hold a password.
 */
export function storeAddress(url: string): StoreAddress {
  switch (url.slice(0, url.indexOf(':') + 1)) {
    case 'sqlite:':
      return { engine: 'embedded', path: pathOf(url) };
    case 'redis:':
    case 'rediss:':
      return redisAddress(url);
    case 'redis+sentinel:':
    case 'redis+cluster:':
      throw new Failure('invalid_input', 'Redis Sentinel and Cluster are not supported yet');
    default:
      throw new Failure('invalid_input', 'the store address begins with sqlite:, redis:// or rediss://');
  }
}

/** `sqlite:./data/x.db`, `sqlite:/var/x.db` and `sqlite:///var/x.db`. */
function pathOf(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  // SQLite's name for a database in memory, which no other process could see and no restart would keep.
  if (path === '' || path === ':memory:') {
    throw new Failure('invalid_input', 'the store address names no file: sqlite:./path');
  }
  return path;
}

function redisAddress(text: string): RedisAddress {
  const url = URL.parse(text);
  // Brackets belong to the URL of an IPv6 address, not to the address.
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const db = url?.pathname.replace(/^\//, '') || '0';
  if (url === null || host === '' || !/^\d{1,9}$/.test(db) || url.search !== '' || url.hash !== '') {
    throw badAddress();
  }
  return {
    engine: 'redis',
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(db),
    ...(url.username !== '' && { username: decoded(url.username) }),
    ...(url.password !== '' && { password: decoded(url.password) }),
    isTls: url.protocol === 'rediss:',
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badAddress();
  }
}

function badAddress(): Failure {
  return new Failure(
    'invalid_input',
    'the store address is redis[s]://[user][:password@]host[:port][/number]',
  );
}
