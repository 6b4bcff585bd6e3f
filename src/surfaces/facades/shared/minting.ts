/** A section as a minting client: its ceiling, the life of its tokens, and the response headers. */
import type { Context } from 'koa';
import { type GuestGrant, parseGrant, type Resource } from '../../../guest/grant/grant.ts';
import { guestPolicy } from '../../../guest/grant/guest-policy.ts';
import { isRefused, type Refusal } from '../../../guest/grant/refusal.ts';
import type { Minted } from '../../../guest/issue/mint.ts';
import type { MintOrder } from '../../../guest/issue/mint-order.ts';
import type { Mints } from '../../../guest/limits/ceiling.ts';
import type { GuestRealm } from '../../../guest/limits/guest-realm.ts';
import { stateOf } from '../../../http/request-state.ts';
import { limitFields } from '../../../limits/too-many.ts';
import type { FacadeCall, FacadeRealm } from './facade.ts';
import type { CommonSection } from './options.ts';

/** No realm file and no registration can use such a client id, and nobody can authenticate with it. */
export const clientIdOf = (name: string): string => `compat:${name}`;

export type FacadeOrder = Pick<MintOrder, 'parent' | 'showAgain' | 'claims' | 'also' | 'rowOrigins'> & {
  readonly name: string;
  /** A guest grant in native JSON. */
  readonly grant: object;
  /** Resources of `grant` that only limit, and allow nothing by themselves. */
  readonly limiting?: readonly Pick<Resource, 'type' | 'id'>[];
  /** The ceiling of this call, beside the section's. */
  readonly ceiling: Pick<Mints, 'types' | 'actions' | 'formats'> &
    Pick<Partial<Mints>, 'resources' | 'policies'>;
};

export type FacadeMinted = Minted & { readonly value: string };

/** Mints the token, or returns the first refusal (with its pointer into `grant`). */
export async function mintFor(
  call: FacadeCall & { readonly section: CommonSection },
  { name, grant, ceiling, limiting = [], ...order }: FacadeOrder,
): Promise<FacadeMinted | Refusal> {
  const { section, guests } = call;
  const realm = realmFor(call.realm, section);
  const parsed = parseGrant(grant, realm.policy, { isOfProduct: true });
  if (isRefused(parsed)) return firstOf(parsed.refused);
  const minter = {
    clientId: clientIdOf(name),
    minTtl: 1,
    ceiling: ceilingOf(section, realm, ceiling),
    // The revision is the stamp of the commit that wrote the section, cuts included.
    readAt: call.realm.view.revision + 1,
  };
  const asked = { ...parsed.grant, resources: parsed.grant.resources.map(limitingOnly(limiting)) };
  const source = { by: minter.clientId, ...stateOf(call.ctx.req).source };
  const minted = await guests.mint({ realm, minter, asked, source, ...order });
  if (isRefused(minted)) return firstOf(minted.refused);
  const { value } = minted;
  if (value === undefined) throw new Error('only a dry run has no value');
  return { ...minted, value };
}

function limitingOnly(limiting: NonNullable<FacadeOrder['limiting']>) {
  const nameOf = ({ type, id }: Pick<Resource, 'type' | 'id'>) => JSON.stringify([type, id]);
  const names = new Set(limiting.map(nameOf));
  return (resource: Resource): Resource =>
    names.has(nameOf(resource)) ? { ...resource, actions: [] } : resource;
}

export function isMinted(outcome: FacadeMinted | Refusal): outcome is FacadeMinted {
  return 'record' in outcome;
}

function firstOf([first]: readonly Refusal[]): Refusal {
  if (first === undefined) throw new Error('a refusal is never empty');
  return first;
}

function ceilingOf(section: CommonSection, realm: GuestRealm, own: FacadeOrder['ceiling']): Mints {
  const { maxTtl, allowNonExpiring } = realm.policy;
  return {
    ...own,
    actions: own.actions.filter((action) => section.actions?.includes(action) !== false),
    ...(section.api === undefined ? {} : { apis: [section.api] }),
    maxTtl,
    maxRefresh: 0,
    allowNonExpiring,
    subjectsFrom: [],
  };
}

/** The section decides how long tokens may live, unless the realm limits it too. */
function realmFor({ view, guest }: FacadeRealm, section: CommonSection): GuestRealm {
  const said = view.guests ?? {};
  const policy = guestPolicy.parse(said);
  return {
    ...guest,
    policy: {
      ...policy,
      minTtl: 1,
      maxTtl: 'maxTtl' in said ? Math.min(policy.maxTtl, section.maxTtl) : section.maxTtl,
      allowNonExpiring:
        section.allowNonExpiring && (policy.allowNonExpiring || !('allowNonExpiring' in said)),
    },
  };
}

type Life = { readonly ttl: number | null; readonly warnings: readonly string[] };

/**
 * The life of a token that should live `wanted` seconds (`null`: without end); `field` is the product's name for it.
 */
export function lifeOf(
  call: FacadeCall & { readonly section: CommonSection },
  wanted: number | null,
  field: string,
): Life {
  const { maxTtl, allowNonExpiring } = realmFor(call.realm, call.section).policy;
  if (wanted === null && allowNonExpiring) return { ttl: null, warnings: [] };
  if (wanted !== null && wanted <= maxTtl) return { ttl: wanted, warnings: [] };
  const asked = wanted === null ? 'tokens without an end are not allowed' : `${field} is too long`;
  return { ttl: maxTtl, warnings: [`${asked}: the token lives ${maxTtl} s`] };
}

/** Sets headers for facts that the product has no field for. */
export function tellOf(ctx: Context, { record, limit }: FacadeMinted, warnings: readonly string[]): void {
  ctx.set('X-Guest-Token-Id', record.id);
  ctx.set('X-Guest-Expires-At', record.exp === null ? 'never' : isoTime(record.exp));
  ctx.set({ ...limitFields(limit) });
  const all = [...warnings, ...record.narrowed];
  if (all.length > 0) ctx.set('X-Guest-Warnings', all.join('; '));
}

/** Seconds since the epoch as `2024-02-08T10:00:00Z`. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Free text of a product as a label: no control characters, at most 256 bytes; `undefined` when nothing is left. */
export function labelOf(text: string | undefined): GuestGrant['label'] {
  let label = (text ?? '').replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ').trim();
  while (Buffer.byteLength(label) > 256) label = [...label].slice(0, -1).join('');
  return label === '' ? undefined : label;
}
