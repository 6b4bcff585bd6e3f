/** The audit log of a realm at the command line: to look at it, to copy it elsewhere, to check that it is whole. */
import type { AuditEvent } from '../../audit/audit-event.ts';
import type { AuditFilter } from '../../audit/search.ts';
import type { Verification } from '../../audit/verify.ts';
import { Failure } from '../../base/errors.ts';
import { realmName } from '../../registry/model/model.ts';
import type { Services } from '../../services.ts';
import { type Command, type Input, print, UsageError } from '../runtime/command.ts';
import { withServices } from '../runtime/with-services.ts';

const realm = { value: '<name>', isRequired: true, help: 'the realm' } as const;
const filters = {
  realm,
  from: { value: '<time>', help: 'the earliest, as 2026-11-27 or 2026-11-27T16:00:00Z' },
  to: { value: '<time>', help: 'the latest' },
  actor: { value: '<id>', help: 'who did it: an id, a kind such as operator, or both as user:<id>' },
  object: { value: '<id>', help: 'what it was done to: an id, a kind such as client, or both' },
  kind: { value: '<kind>', help: 'login.failed, or login for all that begin so' },
} as const;

export const listAudit: Command = {
  about:
    'Lists what happened in a realm, the newest first: time, kind, outcome, who, what it was done to, address,\n' +
    'request id, reason.',
  options: {
    ...filters,
    limit: { value: '<number>', help: 'how many, 1 to 10000; 100 when it is not said' },
  },
  run: (input) =>
    withServices(async (services) => {
      let left = limitOf(input);
      for await (const event of eventsOf(services, await searchOf(services, input))) {
        print(rowOf(event));
        left -= 1;
        if (left === 0) break;
      }
      return 0;
    }),
};

export const exportAudit: Command = {
  about: 'Prints the events of a realm as lines of JSON, the newest first.',
  options: filters,
  run: (input) =>
    withServices(async (services) => {
      const search = await searchOf(services, input);
      for await (const event of eventsOf(services, search)) print(JSON.stringify(event));
      return 0;
    }),
};

export const verifyAudit: Command = {
  about:
    'Checks that no event of a realm was removed, changed, moved or cut off before its time. Reads the whole log. The\n' +
    'exit code is 1 when something is wrong.',
  options: { realm },
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
    filter: {
      from: timeOf(input, 'from'),
      to: timeOf(input, 'to'),
      actor: input.find('actor'),
      object: input.find('object'),
      kind: input.find('kind'),
    },
  };
}

const PAGE = 200;

async function* eventsOf({ audit }: Services, { realm: name, filter }: Search): AsyncGenerator<AuditEvent> {
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

/** A dash for what is not known. */
function rowOf({ time, kind, outcome, actor, object, source, requestId, reason, count }: AuditEvent): string {
  const times = count === undefined ? '' : ` ×${count}`;
  return [
    time,
    kind,
    `${outcome}${times}`,
    nameOf(actor),
    nameOf(object),
    source?.ip ?? '-',
    requestId ?? '-',
    reason ?? '-',
  ].join('\t');
}

function nameOf({ kind, id }: { readonly kind: string; readonly id?: string | undefined }): string {
  return id === undefined ? kind : `${kind}:${id}`;
}

/** What `audit verify` prints. */
function linesOf({ writers, batches, events, faults }: Verification): readonly string[] {
  const size = `${events} events in ${batches} batches of ${writers} writers`;
  return faults.length === 0 ? [`whole: ${size}`] : [...faults, `broken: ${faults.length} faults; ${size}`];
}
