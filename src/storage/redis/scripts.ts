/**
 * The scripts, each one atomic step of the store. Time is Redis' own; numbers that are stamps are microseconds,
 * others milliseconds. A script judges everything before it writes anything.
 *
 * A document is one string: format and state (1 byte: 1 unspent, 2 spent), stamp (7 bytes), when spent a second
 * stamp (7 bytes), number of nodes (2 bytes), their hashes (10 bytes each), the value.
 * A node is one string of four 7-byte numbers: dead is what was written before this stamp, when that cut was made,
 * until when it counts, until when the node is closed.
 */
import type { Redis, Result } from 'ioredis';
import type { Refusal } from '../port/port.ts';
import { nodeHashBytes } from './keys.ts';

type Integer = number;
export type DocumentReply = readonly [
  now: Integer,
  stamp: Integer,
  spentAt: Integer,
  cut: 0 | 1,
  value: string,
];
export type CommitReply = readonly [stamp: Integer] | readonly [step: Integer, reason: Refusal['reason']];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    dpRead(keys: number, ...documents: string[]): Result<readonly (DocumentReply | null)[], Context>;
    dpCommit(keys: number, ...keysThenArguments: (string | number | Buffer)[]): Result<CommitReply, Context>;
    dpList(
      index: string,
      limit: number,
      score: string,
      member: string,
      isFrom: '0' | '1',
    ): Result<string[], Context>;
    dpCount(counter: string, by: number, windowMs: number): Result<[Integer, Integer], Context>;
  }
}

/** Defines the scripts on a connection. Each is sent whole once, and by its hash after that. */
export function defineScripts(redis: Redis): void {
  redis.defineCommand('dpRead', { lua: read });
  redis.defineCommand('dpCommit', { lua: commit });
  redis.defineCommand('dpList', { lua: list, numberOfKeys: 1 });
  redis.defineCommand('dpCount', { lua: count, numberOfKeys: 1 });
}

/** A closed node without an end. Beyond any time in milliseconds, and exact as a double and in 7 bytes. */
const forever = Number.MAX_SAFE_INTEGER;

/** A realm's last stamp expires when nothing was written for so long: no clock steps back that far. */
const stampKeptMs = 400 * 86_400_000;

const prelude = `
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local ms = math.floor(clock / 1000)

-- The stamp of a commit at this moment: after every stamp that the realm has given.
local function nextStamp(last)
  return math.max(clock, tonumber(last or '0') + 1)
end

local function openRecord(record)
  local state, stamp, spentAt, at = struct.unpack('>BI7', record)
  if state == 2 then
    spentAt, at = struct.unpack('>I7', record, 9)
  elseif state == 1 then
    spentAt, at = nil, 9
  else
    error({ err = 'ERR a document of an unknown format' })
  end
  local nodes = struct.unpack('>H', record, at)
  return stamp, spentAt, at + 2, at + 2 + nodes * ${nodeHashBytes}
end

-- The keys of the realm's node and of these nodes.
local function nodeKeys(realmNode, hashes)
  local keys = { realmNode }
  for at = 1, #hashes, ${nodeHashBytes} do
    keys[#keys + 1] = realmNode .. string.sub(hashes, at, at + ${nodeHashBytes - 1})
  end
  return keys
end

local function openNode(record)
  if not record then return 0, 0, 0, 0 end
  local before, made, cutUntil, closedUntil = struct.unpack('>I7I7I7I7', record)
  if cutUntil <= ms then before, made, cutUntil = 0, 0, 0 end
  if closedUntil <= ms then closedUntil = 0 end
  return before, made, cutUntil, closedUntil
end

-- Whether what was written at this stamp is dead by one of these nodes.
local function isCut(nodes, stamp)
  for _, record in ipairs(nodes) do
    local before, _, _, closedUntil = openNode(record)
    if closedUntil > 0 or stamp < before then return true end
  end
  return false
end
`;

/**
 * A read is believed only of a server that takes writes: one that was demoted has missed cuts. Redis refuses a script
 * that begins so wherever it refuses writes, even if it writes nothing; only a full memory does not matter.
 */
const believed = '#!lua flags=allow-oom\n';

/** The same for a script that writes sometimes: removing a key that never exists changes nothing, and is not replicated. */
const takesWrites = `
local function checkWritable(key)
  redis.call('DEL', 'dpw:' .. (string.match(key, '{[^:]*}') or ''))
end
`;

/**
 * KEYS: documents. Answers for each `{ now, stamp, spentAt or 0, cut, value }` or nil. The keys of the nodes come
 * from the document itself, so that one trip is enough.
 */
const read = `${believed}${prelude}
local answers = {}
for i, key in ipairs(KEYS) do
  local record = redis.call('GET', key)
  if record then
    local tag = string.match(key, '^dp:({[^:]*}):')
    local stamp, spentAt, nodesAt, valueAt = openRecord(record)
    local keys = nodeKeys('dpn:' .. tag .. ':', string.sub(record, nodesAt, valueAt - 1))
    keys[#keys + 1] = 'dps:' .. tag
    local nodes = redis.call('MGET', unpack(keys))
    local now = nextStamp(table.remove(nodes))
    answers[i] = { now, stamp, spentAt or 0, isCut(nodes, stamp) and 1 or 0, string.sub(record, valueAt) }
  else
    answers[i] = false
  end
end
return answers
`;

/**
 * KEYS: the realm's last stamp, the realm's node, then one for each step about a document, an index or a counter.
 * ARGV: for each step its name and what it takes, see `prepare`; '' is absent.
 * Answers `{ stamp }`, or `{ index of the refused step, reason }`.
 */
const commit = `${prelude}
local stamp = nextStamp(redis.call('GET', KEYS[1]))
local keyAt, argAt = 2, 0
local function key() keyAt = keyAt + 1; return KEYS[keyAt] end
local function arg() argAt = argAt + 1; return ARGV[argAt] end
local function number() return tonumber(arg()) end

local function set(name, value, ttl)
  if ttl then redis.call('SET', name, value, 'PX', ttl) else redis.call('SET', name, value) end
end

local function refusedBelow(nodes, since)
  local wasCut = false
  for _, record in ipairs(nodes) do
    local _, made, _, closedUntil = openNode(record)
    if closedUntil > 0 then return 'closed' end
    if since and made >= since then wasCut = true end
  end
  return wasCut and 'cut'
end

local function unmet(record, onlyIf)
  if onlyIf == '' or onlyIf == 'keep' then return false end
  if onlyIf == 'absent' then return record and 'exists' end
  if not record then return 'missing' end
  return onlyIf ~= 'present' and tonumber(onlyIf) ~= openRecord(record) and 'changed'
end

-- An index lives as long as the member that stays longest.
local function settle(index)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', ms)
  local latest = redis.call('ZREVRANGE', index, 0, 0, 'WITHSCORES')[2]
  if latest == 'inf' then
    redis.call('PERSIST', index)
  elseif latest then
    redis.call('PEXPIREAT', index, latest)
  end
end

-- Changes a node by a function from its four numbers to four others.
local function changeNode(hash, change)
  local name = KEYS[2] .. hash
  local before, made, cutUntil, closedUntil = change(openNode(redis.call('GET', name)))
  local til = math.max(cutUntil, closedUntil)
  if til > 0 then
    local ttl = closedUntil < ${forever} and til - ms or nil
    set(name, struct.pack('>I7I7I7I7', before, made, cutUntil, closedUntil), ttl)
  end
end

-- A cut that lies behind the one that counts kills nothing more: it only has to be remembered as long.
local function cutNode(node, cutBefore, ttl)
  local before, made, cutUntil = node[1], node[2], math.max(node[3], ms + ttl)
  if cutBefore > before then before, made = cutBefore, stamp end
  return before, made, cutUntil, node[4]
end

-- For each step: judges it on the state before the commit and answers what it does and, if it may not, why.
local prepare = {}

function prepare.put()
  local name, value, ttl, nodes, onlyIf, since = key(), arg(), number(), arg(), arg(), number()
  local record = onlyIf ~= '' and redis.call('GET', name)
  local refused = refusedBelow(redis.call('MGET', unpack(nodeKeys(KEYS[2], nodes))), since) or unmet(record, onlyIf)
  return function()
    if onlyIf == 'keep' and record then return end
    set(name, struct.pack('>BI7H', 1, stamp, #nodes / ${nodeHashBytes}) .. nodes .. value, ttl)
  end, refused
end

function prepare.spend()
  local name, grace = key(), number()
  local record = redis.call('GET', name)
  if not record then return nil, 'missing' end
  local written, spentAt, nodesAt, valueAt = openRecord(record)
  local keys = nodeKeys(KEYS[2], string.sub(record, nodesAt, valueAt - 1))
  if isCut(redis.call('MGET', unpack(keys)), written) then return nil, 'cut' end
  if spentAt and stamp - spentAt > grace * 1000 then return nil, 'spent' end
  return function()
    -- An earlier step may have put or removed it; a document spent before keeps the time of its first use.
    local current = redis.call('GET', name)
    if current and string.byte(current) == 1 then
      local head = struct.pack('>BI7I7', 2, (openRecord(current)), stamp)
      redis.call('SET', name, head .. string.sub(current, 9), 'KEEPTTL')
    end
  end
end

function prepare.count()
  local name, window, most = key(), number(), number()
  if tonumber(redis.call('GET', name) or '0') >= most then return nil, 'exhausted' end
  return function()
    if redis.call('INCR', name) == 1 then redis.call('PEXPIRE', name, window) end
  end
end

function prepare.guard()
  local hash, since = arg(), number()
  local refused = refusedBelow({ redis.call('GET', KEYS[2] .. hash) }, since)
  return function() end, refused
end

function prepare.remove()
  local name = key()
  return function() redis.call('DEL', name) end
end

function prepare.index()
  local name, member, ttl = key(), arg(), number()
  return function()
    redis.call('ZADD', name, ttl and ms + ttl or '+inf', member)
    settle(name)
  end
end

function prepare.unindex()
  local name, member = key(), arg()
  return function()
    redis.call('ZREM', name, member)
    settle(name)
  end
end

function prepare.cut()
  local hash, ttl, before = arg(), number(), number()
  return function()
    changeNode(hash, function(...) return cutNode({ ... }, math.min(before or stamp, stamp), ttl) end)
  end
end

function prepare.close()
  local hash, ttl = arg(), number()
  return function()
    changeNode(hash, function(before, made, cutUntil, closedUntil)
      return before, made, cutUntil, math.max(closedUntil, ttl and ms + ttl or ${forever})
    end)
  end
end

function prepare.open()
  local hash, ttl = arg(), number()
  return function()
    changeNode(hash, function(...)
      local node = { ... }
      if node[4] == 0 then return ... end
      node[4] = 0
      return cutNode(node, stamp, ttl)
    end)
  end
end

-- Messages leave before anything changes: a user without the right to publish has no commit, instead of half of one.
-- Who hears them sees the change all the same, because nobody else is served until the script has ended.
local messages = {}
function prepare.publish()
  messages[#messages + 1] = { arg(), arg() }
  return function() end
end

local function publishAll()
  for _, message in ipairs(messages) do
    local answer = redis.pcall('PUBLISH', message[1], message[2])
    if type(answer) == 'table' and answer.err then return answer end
  end
end

local changes = {}
while argAt < #ARGV do
  local change, refused = prepare[arg()]()
  if refused then return { #changes, refused } end
  changes[#changes + 1] = change
end
-- First of all a write that a full Redis refuses: whatever comes then, it refuses before anything has changed.
set(KEYS[1], string.format('%.0f', stamp), ${stampKeptMs})
local refusal = publishAll()
if refusal then return refusal end
for _, change in ipairs(changes) do change() end
return { stamp }
`;

/**
 * KEYS: an index. ARGV: how many members, then score and member of the last one shown ('' at the beginning), and 1
 * when the page begins with that very place and not behind it.
 * Answers members and scores in turns, one more than asked for when there are more.
 */
const list = `${believed}${prelude}
local index, limit, score, member = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local isFrom = ARGV[4] == '1'
local start = redis.call('ZCOUNT', index, '-inf', ms)

-- By bytes, as Redis orders equal scores; Lua's own comparison follows the locale.
local function isAfter(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

if score then
  -- The first place behind the cursor, whether or not its member is still there.
  local low, high = start, redis.call('ZCARD', index)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call('ZRANGE', index, middle, middle, 'WITHSCORES')
    local foundScore = tonumber(found[2])
    if foundScore > score or (foundScore == score and (isAfter(found[1], member) or (isFrom and found[1] == member))) then
      high = middle
    else
      low = middle + 1
    end
  end
  start = low
end
return redis.call('ZRANGE', index, start, start + limit, 'WITHSCORES')
`;

/** KEYS: a counter. ARGV: what to add, the window. Answers the count and the time that is left. */
const count = `${takesWrites}
local by = tonumber(ARGV[1])
if by == 0 then
  checkWritable(KEYS[1])
  local found = tonumber(redis.call('GET', KEYS[1]) or '0')
  return { found, math.max(0, redis.call('PTTL', KEYS[1])) }
end
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return { total, redis.call('PTTL', KEYS[1]) }
`;
