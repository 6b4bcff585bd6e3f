/** The audit log of a realm at the command line: to look at it, to copy it elsewhere, to check that it is whole. */
import { type AuditEvent, auditEvent } from '../../audit/audit-event.ts';
import type { AuditFilter } from '../../audit/search.ts';
import type { Verification } from '../../audit/verify.ts';
import { Failure } from '../../base/errors.ts';
import { realmName } from '../../registry/model/model.ts';
import type { Services } from '../../services.ts';
import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import { type AdminCalls, everyItem } from '../runtime/admin-calls.ts';
import { type Command, type Input, print, UsageError } from '../runtime/command.ts';
import { type Column, json, showList } from '../runtime/output.ts';
import { withServices } from '../runtime/with-services.ts';

const filters = {
  ...inRealm,
  from: { value: '<time>', help: 'the earliest, as 2026-11-27 or 2026-11-27T16:00:00Z' },
  to: { value: '<time>', help: 'the latest' },
  actor: { value: '<id>', help: 'who did it: an id, a kind such as operator, or both as user:<id>' },
  object: { value: '<id>', help: 'what it was done to: an id, a kind such as client, or both' },
  kind: { value: '<kind>', help: 'login.failed, or login for all that begin so' },
} as const;

const columns: readonly Column<AuditEvent>[] = [
  ['time', ({ time }) => time],
  ['kind', ({ kind }) => kind],
  ['outcome', ({ outcome, count }) => (count === undefined ? outcome : `${outcome} ×${count}`)],
  ['actor', ({ actor }) => nameOf(actor)],
  ['object', ({ object }) => nameOf(object)],
  // A dash for what is not known.
  ['address', ({ source }) => source?.ip ?? '-'],
  ['request', ({ requestId }) => requestId ?? '-'],
  ['reason', ({ reason }) => reason ?? '-'],
];

export const listAudit: Command = {
  about:
    'Lists what happened in a realm, the newest first: time, kind, outcome, who, what it was done to, address,\n' +
    'request id, reason. On a store also of a realm that was removed.',
  options: {
    ...filters,
    limit: { value: '<number>', help: 'how many, 1 to 10000; 100 when it is not said' },
    ...json,
    ...place,
  },
  examples: ['audit list --realm acme --kind login.failed --from 2026-11-27'],
  run: (input) => {
    const limit = limitOf(input);
    return withEvents(input, (events) => showList(input, first(limit, events), columns));
  },
};

export const exportAudit: Command = {
  about: 'Prints the events of a realm as lines of JSON, the newest first.',
  options: { ...filters, ...place },
  examples: ['audit export --realm acme > acme.jsonl'],
  run: (input) =>
    withEvents(input, async (events) => {
      for await (const event of events) print(JSON.stringify(event));
    }),
};

type Events = AsyncGenerator<AuditEvent>;

/** Of the store, or of the server that `--url` names. */
async function withEvents(input: Input, work: (events: Events) => Promise<void>): Promise<number> {
  if (input.has('url')) await withAdmin(input, (admin) => work(eventsThere(admin, input)));
  else {
    await withServices(async (services) => work(eventsHere(services, await searchOf(services, input))));
  }
  return 0;
}

/** The server answers by its document: an event is what the log here would give. */
async function* eventsThere(admin: AdminCalls, input: Input): Events {
  const asked = Object.entries(filterOf(input)).filter(([, value]) => value !== undefined);
  const query = Object.fromEntries(asked) as Record<string, string>;
  const params = { realm: input.need('realm') };
  for await (const item of everyItem(admin, 'listAuditEvents', { params, query }))
    yield auditEvent.parse(item);
}

async function* first(limit: number, events: Events): Events {
  let left = limit;
  for await (const event of events) {
    yield event;
    left -= 1;
    if (left === 0) return;
  }
}

export const verifyAudit: Command = {
  about:
    'Checks that no event of a realm was removed, changed, moved or cut off before its time. Reads the whole log. The\n' +
    'exit code is 1 when something is wrong.',
  options: { ...inRealm },
  examples: ['audit verify --realm acme'],
  run: (input) =>
    withServices(async (services) => {
      const name = await loggedRealm(services, input.need('realm'));
      const found = await services.audit.verify(name);
      for (const line of linesOf(found)) print(line);
      return found.faults.length === 0 ? 0 : 1;
    }),
};

/** The log of a realm is there for a time after the realm was removed. */
async function loggedRealm({ registry, audit }: Services, name: string): Promise<string> {
  const exists = (await registry.findRealm(name)) !== undefined;
  const isName = realmName.safeParse(name).success;
  if (exists || (isName && (await audit.search(name, {}, { limit: 1 })).events.length > 0)) return name;
  throw new Failure('not_found', `realm "${name}" does not exist, nor a log of it`);
}

type Search = { readonly realm: string; readonly filter: AuditFilter };

async function searchOf(services: Services, input: Input): Promise<Search> {
  return {
    realm: await loggedRealm(services, input.need('realm')),
    filter: filterOf(input),
  };
}

function filterOf(input: Input): AuditFilter {
  return {
    from: timeOf(input, 'from'),
    to: timeOf(input, 'to'),
    actor: input.find('actor'),
    object: input.find('object'),
    kind: input.find('kind'),
  };
}

const PAGE = 200;

async function* eventsHere({ audit }: Services, { realm: name, filter }: Search): Events {
  let after: string | undefined;
  do {
    const page = await audit.search(name, filter, { limit: PAGE, after });
    yield* page.events;
    after = page.next;
  } while (after !== undefined);
}

function timeOf(input: Input, name: 'from' | 'to'): string | undefined {
  const text = input.find(name);
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(time.getTime())) {
    throw new UsageError(`--${name} must be a time such as 2026-11-27 or 2026-11-27T16:00:00Z`);
  }
  return time.toISOString();
}

function limitOf(input: Input): number {
  const limit = Number(input.find('limit') ?? 100);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return limit;
  throw new UsageError('--limit must be a number from 1 to 10000');
}

function nameOf({ kind, id }: { readonly kind: string; readonly id?: string | undefined }): string {
  return id === undefined ? kind : `${kind}:${id}`;
}

/** What `audit verify` prints. */
function linesOf({ writers, batches, events, faults }: Verification): readonly string[] {
  const size = `${events} events in ${batches} batches of ${writers} writers`;
  return faults.length === 0 ? [`whole: ${size}`] : [...faults, `broken: ${faults.length} faults; ${size}`];
}
