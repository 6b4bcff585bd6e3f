/**
 * Makes the grant of a child from the grant of a guest token: child ⊆ parent in every part, or
 * `invalid_authorization_details`. A limit that the child leaves out is inherited. How things look (locale, theme,
 * initial filters) is the child's own. Pure.
 */

import { isDeepStrictEqual } from 'node:util';
import { pointerOf } from '../../base/json-pointer.ts';
import { areNetworksWithin, areOriginsWithin } from '../grant/bindings.ts';
import {
  allowsNothing,
  type Granted,
  type GuestGrant,
  type PolicyUse,
  type Resource,
} from '../grant/grant.ts';
import { DEFAULT_TTL, type Lifetime, usesOf } from '../grant/lifetime.ts';
import type { Refusal, Refuse, Refused } from '../grant/refusal.ts';
import { attenuateResource, below, joined, present, refuseOthers } from './attenuate-resource.ts';

/** The parent token as it is now. */
export type Parent = {
  readonly granted: Granted;
  /** The audiences of a resource of the parent that has no `locations`. */
  readonly audiences: readonly string[];
  /** Seconds until the parent expires, at least 1; `null` for never. */
  readonly ttlLeft: number | null;
  /** How many uses the parent has left; `null` without a limit. */
  readonly usesLeft: number | null;
};

/** The grant of the child, or every part in which it asks for more, with pointers into `asked`. */
export function attenuate(parent: Parent, asked: GuestGrant): { readonly granted: Granted } | Refused {
  const refused: Refusal[] = [];
  const refuse: Refuse = (path, message) =>
    void refused.push({ code: 'invalid_authorization_details', pointer: pointerOf(path), message });
  const held = parent.granted;
  if (asked.subject !== undefined && !isDeepStrictEqual(asked.subject, held.subject)) {
    refuse(['subject'], 'is not the subject of the parent');
  }
  const granted: Granted = {
    ...asked,
    subject: held.subject,
    resources: attenuateResources(parent, asked, refuse),
    policies: attenuatePolicies(held.policies, asked.policies, refuse),
    lifetime: attenuateLifetime(parent, asked, below(refuse, ['lifetime'])),
    ...present('context', attenuateContext(held.context, asked.context, below(refuse, ['context']))),
    ...present('ui', attenuateUi(held.ui, asked.ui, below(refuse, ['ui']))),
    ...present('binding', attenuateBinding(held.binding, asked.binding, below(refuse, ['binding']))),
    ...present('session', attenuateSession(held.session, asked.session, refuse)),
  };
  return refused.length > 0 ? { refused } : { granted };
}

function attenuateResources(
  { granted, audiences }: Parent,
  asked: GuestGrant,
  refuse: Refuse,
): Granted['resources'] {
  const named = asked.resources.flatMap((resource, index) => {
    const path = ['resources', index];
    const held = granted.resources.find((one) => isSame(one, resource));
    if (held !== undefined) return [attenuateResource({ ...held, audiences }, resource, below(refuse, path))];
    refuse(path, 'is not in the parent');
    return [];
  });
  const dropped = granted.resources.filter((one) => !asked.resources.some((other) => isSame(one, other)));
  // A resource that may lie inside another one of the child keeps its limits, and allows nothing by itself.
  const hasChildren = named.some(({ include }) => include !== undefined);
  const kept = dropped.filter((one) => hasChildren || allowsNothing(one));
  return [...named, ...kept.map((one) => ({ ...one, actions: [] }))];
}

function isSame(one: Pick<Resource, 'type' | 'id'>, other: Pick<Resource, 'type' | 'id'>): boolean {
  return one.type === other.type && one.id === other.id;
}

/**
 * Every policy of the parent stays in force. The child may add row policies, which only limit, but no connection or
 * schema policy, which would lead to other data.
 */
function attenuatePolicies(held: readonly PolicyUse[], asked: readonly PolicyUse[], refuse: Refuse) {
  const policies = [...held];
  for (const [index, use] of asked.entries()) {
    if (held.some((one) => isDeepStrictEqual(one, use))) continue;
    if (use.kind !== 'row') refuse(['policies', index], 'is not in the parent');
    policies.push(use);
  }
  if (policies.length > 20) refuse(['policies'], 'are more than 20 together with those of the parent');
  return policies;
}

/** The child ends no later than its parent, has no more uses, and is never refreshed; its parent can be. */
function attenuateLifetime(
  parent: Parent,
  { lifetime: asked = {} }: GuestGrant,
  refuse: Refuse,
): Granted['lifetime'] {
  const ttl = attenuateTtl(parent, asked, refuse);
  if (asked.refresh?.allowed === true) refuse(['refresh'], 'is not for a narrowed token');
  const { refresh: _none, idle: _idle, max_uses: _uses, ...rest } = asked;
  const idle = attenuateIdle(parent, asked, refuse);
  return {
    ...rest,
    // An idle time beyond the token's life has no effect, and is left out.
    ...present('idle', (idle ?? 0) > (ttl ?? Number.POSITIVE_INFINITY) ? undefined : idle),
    ...present('max_uses', attenuateUses(parent, asked, refuse)),
    ttl,
  };
}

function attenuateTtl({ ttlLeft }: Parent, asked: Lifetime, refuse: Refuse): number | null {
  const longest = ttlLeft ?? Number.POSITIVE_INFINITY;
  const ttl = asked.ttl === undefined ? Math.min(DEFAULT_TTL, longest) : asked.ttl;
  const life = ttl ?? Number.POSITIVE_INFINITY;
  if (life > longest) refuse(['ttl'], 'is later than the end of the parent');
  if ((asked.not_before ?? 0) >= life) refuse(['not_before'], 'must be before the end of ttl');
  return ttl;
}

function attenuateUses({ usesLeft }: Parent, asked: Lifetime, refuse: Refuse): number | undefined {
  const uses = usesOf(asked) ?? usesLeft;
  if (usesLeft !== null && (uses ?? 0) > usesLeft) refuse(['max_uses'], 'is more than the parent has left');
  return uses ?? undefined;
}

function attenuateIdle({ granted }: Parent, asked: Lifetime, refuse: Refuse): number | undefined {
  const held = granted.lifetime.idle;
  if (held !== undefined && (asked.idle ?? 0) > held) refuse(['idle'], 'is longer than in the parent');
  return asked.idle ?? held;
}

/**
 * Where the data comes from is the parent's choice: a child may not name a connection that the parent does not name.
 */
function attenuateContext(held: Context, asked: Context, refuse: Refuse): Context {
  if (asked === undefined) return held;
  for (const name of ['datasource', 'environment'] as const) {
    if (asked[name] !== undefined && asked[name] !== held?.[name]) {
      refuse([name], 'is another one than in the parent');
    }
  }
  if (asked.domains !== undefined && held?.domains === undefined) refuse(['domains'], 'is not in the parent');
  const domains = held?.domains?.ids;
  if (domains !== undefined && asked.domains?.ids.some((id) => !domains.includes(id)) === true) {
    refuse(['domains', 'ids'], 'holds one that the parent does not');
  }
  const context = { ...held, ...asked };
  return Object.keys(context).length === 0 ? undefined : context;
}

function attenuateUi(held: Ui = {}, asked: Ui = {}, refuse: Refuse): Ui {
  if (held.start?.mode === 'force') refuseOthers(held, asked, { names: ['start'], refuse });
  const ui = {
    ...held,
    ...asked,
    ...present('hide', joined(held.hide, asked.hide)),
    ...present('features', attenuateFeatures(held.features, asked.features, refuse)),
  };
  return Object.keys(ui).length === 0 ? undefined : ui;
}

/** A feature is on only if the parent switched it on: what the parent does not mention may be off. */
function attenuateFeatures(held: Features = {}, asked: Features = {}, refuse: Refuse): Features | undefined {
  for (const [name, isOn] of Object.entries(asked)) {
    if (isOn && held[name] !== true) refuse(['features', name], 'is not on in the parent');
  }
  const features = { ...held, ...asked };
  return Object.keys(features).length === 0 ? undefined : features;
}

function attenuateBinding(held: Bound, asked: Bound, refuse: Refuse): Bound {
  if (held === undefined || asked === undefined) return asked ?? held;
  const { origins, ip } = held;
  if (origins !== undefined && !areOriginsWithin(asked.origins ?? [], origins)) {
    refuse(['origins'], 'holds one that the parent does not');
  }
  if (ip !== undefined && !areNetworksWithin(asked.ip ?? [], ip)) {
    refuse(['ip'], 'holds one that the parent does not');
  }
  refuseOthers(held, asked, { names: ['key', 'certificate', 'browser_session'], refuse });
  return { ...held, ...asked };
}

function attenuateSession(held: Session, asked: Session, refuse: Refuse): Session {
  if (held !== undefined && asked !== undefined && !isDeepStrictEqual(asked, held)) {
    refuse(['session'], 'is another one than in the parent');
  }
  return held ?? asked;
}

type Context = GuestGrant['context'];
type Ui = GuestGrant['ui'];
type Features = Readonly<Record<string, boolean>>;
type Bound = GuestGrant['binding'];
type Session = GuestGrant['session'];
