/** What of a realm stays in a store for ever, looked up without the server's code. */
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';

/** The names of everything of a realm that never expires, in the store at an address. */
export function lastingOf(url: string, realm: string): Promise<readonly string[]> {
  return url.startsWith('sqlite:')
    ? Promise.resolve(lastingRows(url.slice('sqlite:'.length), realm))
    : lastingKeys(url, realm);
}

/** Its last stamp apart: that is a row of the realm, which the file keeps. */
function lastingRows(path: string, realm: string): readonly string[] {
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    const names = { document: 'key', node: 'key', counter: 'key', member: 'list' };
    const ofTables = Object.entries(names).flatMap(([table, name]) =>
      db
        .prepare(`SELECT ${name} AS name FROM ${table} WHERE ${name} >= ? AND ${name} < ? AND expires >= ?`)
        .all(`${realm}:`, `${realm};`, NEVER),
    );
    const listed = db
      .prepare("SELECT list AS name FROM member WHERE list = '_:realms:all' AND member = ?")
      .all(realm);
    return [...ofTables, ...listed].map(({ name }) => String(name));
  } finally {
    db.close();
  }
}

const NEVER = Number.MAX_SAFE_INTEGER;

async function lastingKeys(url: string, realm: string): Promise<readonly string[]> {
  const redis = new Redis(url);
  const lasting: string[] = [];
  for await (const keys of redis.scanStream({ match: `dp*:{${realm}}*`, count: 1000 })) {
    for (const key of keys as string[]) if ((await redis.pttl(key)) < 0) lasting.push(key);
  }
  if ((await redis.zscore('dpi:{_}:realms:all', realm)) !== null) lasting.push('dpi:{_}:realms:all');
  redis.disconnect();
  return lasting;
}
