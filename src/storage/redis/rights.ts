/**
 * Whether the user of this Redis may do what Daypass does. Tried rather than looked up, because a user seldom may read
 * its own rules (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/).
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.ts';
import { StoreFailure } from '../port/trouble.ts';
import { answer } from './connect.ts';

/** What docs/operations.md gives to the user. */
const everything =
  '~dp* &dp* +@read +@write +@scripting +@connection +@pubsub +@transaction +time +info +config|get'.split(
    ' ',
  );

/** A key, and one for a sorted set, that nothing else uses and that expire at once. */
const KEY = 'dp:{_}:rights';
const SET = 'dpi:{_}:rights';

const commands: readonly (readonly string[])[] = [
  ['TIME'],
  ['SET', KEY, '1', 'PX', '1000'],
  ['GET', KEY],
  ['MGET', KEY],
  ['INCR', KEY],
  ['PEXPIRE', KEY, '1000'],
  ['DEL', KEY],
  ['ZADD', SET, '1', 'x'],
  ['PEXPIREAT', SET, '1'],
  ['PERSIST', SET],
  ['ZREM', SET, 'x'],
  ['ZRANGE', SET, '0', '0'],
  ['ZREVRANGE', SET, '0', '0'],
  ['ZCOUNT', SET, '0', '0'],
  ['ZCARD', SET],
  ['ZREMRANGEBYSCORE', SET, '0', '0'],
  // One of each kind of key (keys.ts), because a pattern may leave some out.
  ...['dp', 'dpi', 'dpn', 'dpc', 'dps', 'dpw'].map((kind) => ['GET', `${kind}:{_}:rights`]),
];

/** Answers the number of each command that was refused, and why. ARGV: how many words a command has, then the words. */
const attempt = `
local refused, at, number = {}, 1, 0
while at <= #ARGV do
  local length = tonumber(ARGV[at])
  local answer = redis.pcall(unpack(ARGV, at + 1, at + length))
  if type(answer) == 'table' and answer.err then refused[#refused + 1] = { number, answer.err } end
  at, number = at + length + 1, number + 1
end
return refused
`;

/** A reply that refuses a command, a key or a channel. Redis words it differently within scripts. */
const refusals = /\bNOPERM\b|user executing the script can't|ACL failure in script/;

export type Rights = ReturnType<typeof createRights>;

type Options = { readonly user: string; readonly channel: string; readonly logger: Logger };

/** `channel`: one that nobody listens to, of this database. */
export function createRights(redis: Redis, { user, channel, logger }: Options) {
  let missing: readonly string[] = [];
  const told = new Set<string>();

  async function find(): Promise<readonly string[]> {
    const tried = [...commands, ['PUBLISH', channel, '']];
    const words = tried.flatMap((command) => [command.length, ...command]);
    try {
      const refused = (await answer(redis, redis.eval(attempt, 0, ...words))) as [number, string][];
      return refused.flatMap(([number, reason]) => rightsFor(tried[number] ?? [], reason));
    } catch (error) {
      return isRefusal(error) ? everything : [];
    }
  }

  /** One line for what is missing, however often it is found. */
  function tell(rights: readonly string[]): void {
    const news = [...new Set(rights)].filter((right) => !told.has(right));
    if (news.length === 0) return;
    for (const right of news) told.add(right);
    logger.error(
      { missing: news },
      `the user of Redis lacks rights, and what needs them is refused. Give it: ACL SETUSER ${user} ${news.join(' ')}`,
    );
  }

  async function check(): Promise<void> {
    missing = await find();
    tell(missing);
    if (missing.length > 0) return;
    if (told.size > 0) logger.info('the user of Redis has the rights that it needs');
    told.clear();
  }

  return {
    /** Tries everything, and logs what is refused. Resolves without an answer of Redis too. */
    check,

    /** Rejects while rights are known to be missing; tries again before, because they may have been given. */
    async confirm(): Promise<void> {
      if (missing.length > 0) await check();
      if (missing.length > 0) throw new StoreFailure('no-permission', new Error(missing.join(' ')));
    },

    /** Finds out what is missing when a call was refused for want of rights. */
    suspect(error: unknown): void {
      if (isRefusal(error)) void check();
    },

    /** Logs what a refused subscription needs. False when it was refused for another reason. */
    tellRefusedSubscription(error: Error): boolean {
      if (!refusals.test(error.message)) return false;
      tell(/channel/.test(error.message) ? ['&dp*'] : ['+subscribe', '+unsubscribe', '&dp*']);
      return true;
    },
  };
}

/** A command that may not run tells nothing of its keys and channels. */
function rightsFor([name = '']: readonly string[], reason: string): readonly string[] {
  if (!refusals.test(reason)) return [];
  const pattern = name === 'PUBLISH' ? '&dp*' : '~dp*';
  const isOfCommand = !/\b(keys?|channels?)\b/.test(reason);
  return isOfCommand ? [`+${name.toLowerCase()}`, ...(name === 'TIME' ? [] : [pattern])] : [pattern];
}

function isRefusal(error: unknown): boolean {
  return error instanceof StoreFailure && error.trouble === 'no-permission';
}
