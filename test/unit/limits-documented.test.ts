/** docs/limits.md says what the code does, and all of it. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { variables } from '../../src/config/settings.ts';
import { MAX_NAMES } from '../../src/guest/grant/columns.ts';
import { MAX_RESOURCES } from '../../src/guest/grant/grant.ts';
import { MAX_LEAVES, MAX_LEVELS, MAX_VALUES } from '../../src/guest/grant/predicate.ts';
import { MAX_JWT_BYTES } from '../../src/guest/record/guest-values.ts';
import { MAX_FIELDS } from '../../src/http/body.ts';
import { LONGEST_QUERY } from '../../src/oidc/endpoints/posted-requests.ts';
import { formLimits } from '../../src/oidc/http/form.ts';
import { networkLimits, passwordPolicy, quotas, realmFile } from '../../src/registry/model/model.ts';
import { MAX_CHARACTERS, MAX_WAIT_MS, WAITING_PER_CORE } from '../../src/registry/passwords/passwords.ts';
import { LONGEST_LIFE } from '../../src/revocation/life.ts';
import { MAX_STREAMS, MAX_STREAMS_OF_CLIENT } from '../../src/surfaces/events/event-streams.ts';
import { MAX_BODY_BYTES as PRODUCT_BYTES } from '../../src/surfaces/facades/shared/request.ts';
import { MAX_BODY_BYTES as GUEST_API_BYTES } from '../../src/surfaces/guest-api/call.ts';
import { pageFormLimits } from '../../src/surfaces/pages/ui/form.ts';

const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');

/** Each row: what is limited, without what stands in brackets, and the number. */
const documented = Object.fromEntries(
  [...page.matchAll(/^\| ([^|]+?) \| ([\d,]+) \|/gm)].map(([, what = '', limit = '']) => [
    what
      .replaceAll('`', '')
      .replace(/ \(.*\)+$/, '')
      .trim(),
    Number(limit.replaceAll(',', '')),
  ]),
);

type Schema = { readonly [member: string]: Schema } & {
  readonly maxItems?: number;
  readonly maxLength?: number;
};

const schema = z.toJSONSchema(realmFile, { io: 'input', unrepresentable: 'any' }) as unknown as Schema;
const entries = (list: string, member: string) =>
  schema['properties']?.[list]?.['items']?.['properties']?.[member];
const network = networkLimits.parse({});

it('the page of limits is what the code has', () => {
  expect(documented).toEqual({
    'header fields of a request, bytes': variables.DAYPASS_MAX_HEADER_BYTES.parse(undefined),
    "body at the protocol's addresses, bytes": formLimits.maxBytes,
    'body at the guest API, bytes': GUEST_API_BYTES,
    "body of an embed product's call, bytes": PRODUCT_BYTES,
    'form of a page, bytes': pageFormLimits.maxBytes,
    'fields of a form': MAX_FIELDS,
    'posted authorization request, bytes of its query': LONGEST_QUERY,
    ...formLimits.longest,
    'logins that wait for each core': WAITING_PER_CORE,
    'milliseconds that a login waits': MAX_WAIT_MS,
    'wrong passwords a minute from a network': network.wrongPasswordsPerMinute,
    'logins that begin a minute from a network': network.loginsPerMinute,
    'pushed requests a minute from a network': network.pushedRequestsPerMinute,
    'device codes a minute from a network': network.deviceCodesPerMinute,
    'registrations a minute from a network': network.registrationsPerMinute,
    'proofs a minute from a network': network.proofsPerMinute,
    'wrong passwords for one user': passwordPolicy.parse({}).lockAfter,
    'guest tokens a minute of a client': quotas.parse({}).guestTokensPerMinute,
    'streams of events of a process': MAX_STREAMS,
    'streams of events of a client': MAX_STREAMS_OF_CLIENT,
    'APIs of a realm': schema['properties']?.['apis']?.maxItems,
    'permissions of an API': entries('apis', 'permissions')?.maxItems,
    roles: schema['properties']?.['roles']?.maxItems,
    policies: schema['properties']?.['policies']?.maxItems,
    "claims of the realm's own": schema['properties']?.['claims']?.maxItems,
    'clients in a file': schema['properties']?.['clients']?.maxItems,
    'users in a file': schema['properties']?.['users']?.maxItems,
    'redirect URIs of a client': entries('clients', 'redirectUris')?.maxItems,
    'web origins of a client': entries('clients', 'cors')?.maxItems,
    'characters of a user name': entries('users', 'username')?.maxLength,
    'characters of a password': MAX_CHARACTERS,
    'seconds of any life': LONGEST_LIFE,
    'resources of a token': MAX_RESOURCES,
    'columns that a resource names': MAX_NAMES,
    'comparisons in the rows of a resource': MAX_LEAVES,
    'levels of and and or': MAX_LEVELS,
    'values in one comparison': MAX_VALUES,
    'bytes of a token as a JWT': MAX_JWT_BYTES,
  });
});

it('a form of a page takes no longer names and passwords than the token endpoint', () => {
  const { username, password } = pageFormLimits.longest;
  expect({ username, password }).toEqual({
    username: formLimits.longest['username'],
    password: formLimits.longest['password'],
  });
});
