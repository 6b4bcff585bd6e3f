/** `…/users/import`: many users at once, a line of JSON each, and a line of the answer for each line sent. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { pointerOf } from '../../../base/json-pointer.ts';
import { findUnreadable, faultsOf as schemaFaultsOf } from '../../../guest/grant/refusal.ts';
import { Problem } from '../../../http/problem.ts';
import type { RealmSettings, UserInput } from '../../../registry/model/model.ts';
import type { Imported } from '../../../registry/store/user-import.ts';
import type { Fault } from '../shared/faults.ts';
import { adminPermissionsOf } from '../shared/granting.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { batchesOf, type Line, linesOf } from './lines.ts';
import { userInput } from './user-view.ts';

/** The longest line. */
const MAX_LINE_BYTES = 16 * 1024;
/** Users of one commit: a longer script would keep the store from others. */
const BATCH = 40;

const query = z.strictObject({
  /** The first line that is to be read, to go on where an earlier import ended. */
  from: z.coerce.number().int().min(1).default(1),
});

const result = z.strictObject({
  line: z.int(),
  status: z.enum(['created', 'exists', 'refused']),
  id: z.string().optional(),
  errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
});

type Result = z.output<typeof result>;

export const importRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'importUsers',
    method: 'POST',
    path: '/users/import',
    summary:
      'Creates users, a line of JSON for each, with `passwordHash` instead of `password`. Each line is answered by a ' +
      'line. Whoever is there already stays as they are, so a broken-off import can be sent again.',
    permissions: ['users:write'],
    query,
    body: userInput,
    media: 'application/x-ndjson',
    answers: { 200: { description: 'A line for each line.', schema: result } },
    handler: importUsers,
  }),
];

type Call = RealmCall<z.output<typeof query>>;

async function importUsers(call: Call): Promise<Answer> {
  const { ctx, deps, realm } = call;
  if (ctx.is('application/x-ndjson', 'application/jsonl') === false) {
    throw new Problem('unsupported_media_type', 'send application/x-ndjson');
  }
  const settings = await deps.registry.readRealm(realm.name);
  if (settings === undefined) throw new Problem('not_found', 'the realm does not exist');
  return { status: 200, lines: resultsOf(call, settings) };
}

async function* resultsOf(call: Call, settings: RealmSettings): AsyncGenerator<Result> {
  const { ctx, query: asked } = call;
  const wanted = skipTo(asked.from, linesOf(ctx.req, MAX_LINE_BYTES));
  for await (const batch of batchesOf(wanted, BATCH)) {
    yield* await importBatch(call, settings, batch);
    // On SQLite nothing else would let others have their turn: hundreds of lines come at once.
    await nextTurn();
  }
}

async function* skipTo(from: number, lines: AsyncIterable<Line>): AsyncGenerator<Line> {
  for await (const line of lines) if (line.number >= from) yield line;
}

/** A line that holds a user, or what is wrong with it. */
type Read =
  | { readonly line: number; readonly user: UserInput }
  | { readonly line: number; readonly faults: readonly Fault[] };

async function importBatch(
  call: Call,
  settings: RealmSettings,
  batch: readonly Line[],
): Promise<readonly Result[]> {
  const read = batch.map(readLine);
  const users = read.flatMap((one) => ('user' in one ? [one.user] : []));
  const faults = faultsOf(call, settings, users);
  const good = users.filter((_, at) => faults[at]?.length === 0);
  const imported = await call.changes.importUsers(call.realm.name, good);
  return read.map((one) => {
    if (!('user' in one)) return refused(one.line, one.faults);
    const found = imported[good.indexOf(one.user)];
    return found === undefined
      ? refused(one.line, faults[users.indexOf(one.user)] ?? [])
      : resultOf(one.line, found);
  });
}

function readLine({ number: line, text }: Line): Read {
  if (text === undefined)
    return { line, faults: [{ path: [], message: `is longer than ${MAX_LINE_BYTES} bytes` }] };
  const value = jsonOf(text);
  const unreadable = findUnreadable(value);
  if (unreadable !== undefined) return { line, faults: [unreadable] };
  const parsed = userInput.safeParse(value);
  if (!parsed.success) return { line, faults: schemaFaultsOf(parsed.error) };
  if (parsed.data.password === undefined) return { line, user: parsed.data };
  const message = 'is not hashed here: send its passwordHash, or set it later';
  return { line, faults: [{ path: ['password'], message }] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The faults of each user. */
function faultsOf(
  { deps, caller }: Call,
  settings: RealmSettings,
  users: readonly UserInput[],
): readonly (readonly Fault[])[] {
  const found = Map.groupBy(deps.checkRealm({ ...settings, users }), ({ path }) => path[1]);
  return users.map(({ roles = [] }, at) => {
    const lacking = adminPermissionsOf(settings.roles, roles).some((name) => !caller.may(name));
    return [
      ...(found.get(at) ?? []).map(({ path, message }) => ({ path: path.slice(2), message })),
      ...(lacking ? [{ path: ['roles'], message: 'nobody grants what they do not have' }] : []),
    ];
  });
}

function resultOf(line: number, { outcome, id }: Imported): Result {
  if (outcome !== 'taken') return { line, status: outcome, id };
  return refused(line, [{ path: [], message: "the id or e-mail address is another user's" }]);
}

function refused(line: number, faults: readonly Fault[]): Result {
  const errors = faults.map(({ path, message }) => ({ pointer: pointerOf(path), detail: message }));
  return { line, status: 'refused', errors };
}
