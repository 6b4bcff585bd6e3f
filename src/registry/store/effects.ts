/**
 * The cuts that a change needs; they must be in the same commit as the change. Pure. Disabling closes a node,
 * enabling opens it again; what was issued before stays dead either way.
 */

import { CUT_TTL, LASTING_CUT_TTL } from '../../revocation/life.ts';
import { ceilingNode, clientNode, mintedByNode, userNode } from '../../revocation/nodes.ts';
import type { Write } from '../../storage/port/port.ts';
import type { Client, RealmSettings, User } from '../model/model.ts';

type Switchable = { readonly enabled: boolean };
type Change<T> = { readonly before: T | undefined; readonly after: T | undefined };

/**
 * Decides whether a change of a field that the registry cannot read takes something away. Then what was minted before
 * is cut.
 */
export type Narrowing = {
  /** The `mints` section of a client. */
  readonly mints: (before: unknown, after: unknown) => boolean;
  readonly section: (name: string, before: unknown, after: unknown) => boolean;
};

export function realmEffects(
  narrowing: Narrowing,
  realm: string,
  change: Change<RealmSettings>,
): readonly Write[] {
  return [
    ...removableEffects(realm, change),
    ...(change.after === undefined ? [] : compatEffects(narrowing, realm, change)),
  ];
}

/** The effect on the realm as a whole. */
export function removableEffects(realm: string, change: Change<RealmSettings>): readonly Write[] {
  return nodeEffects({ realm, node: '', ttl: LASTING_CUT_TTL }, change, false);
}

/** A section of an embed product is a client of its own, disabled when it is absent. It has only guest tokens. */
function compatEffects(
  narrowing: Narrowing,
  realm: string,
  { before, after }: Change<RealmSettings>,
): readonly Write[] {
  const names = new Set([before, after].flatMap((settings) => Object.keys(settings?.compat ?? {})));
  return [...names].flatMap((name) => {
    const minter = `compat:${name}`;
    const isNarrower = narrowing.section(name, before?.compat?.[name], after?.compat?.[name]);
    return [
      ...nodeEffects(
        { realm, node: clientNode(minter), ttl: LASTING_CUT_TTL },
        { before: sectionOf(before, name), after: sectionOf(after, name) },
        false,
      ),
      ...(isNarrower ? ceilingCuts(realm, minter) : []),
    ];
  });
}

function sectionOf(settings: RealmSettings | undefined, name: string): Switchable {
  const section = settings?.compat?.[name];
  return { enabled: section !== undefined && section['enabled'] !== false };
}

/** Taking away a role or an API of `exchanges`, or narrowing the ceiling, cuts the client. Narrowing `mints` cuts what it minted. */
export function clientEffects(
  narrowing: Narrowing,
  realm: string,
  { id, ...change }: Change<Client> & { readonly id: string },
): readonly Write[] {
  const { before, after } = change;
  const mustCut =
    before !== undefined &&
    after !== undefined &&
    (hasLost(before.roles, after.roles) ||
      hasLost(before.exchanges ?? [], after.exchanges ?? []) ||
      isNarrower(before.permissions, after.permissions));
  const ttl = LASTING_CUT_TTL;
  return [
    ...nodeEffects({ realm, node: clientNode(id), ttl }, change, mustCut),
    ...(narrowing.mints(before?.mints, after?.mints) ? ceilingCuts(realm, id) : []),
  ];
}

function ceilingCuts(realm: string, minter: string): readonly Write[] {
  const ttl = LASTING_CUT_TTL;
  return [mintedByNode(minter), ceilingNode(minter)].map((node) => ({ cut: node, realm, ttl }));
}

/** Taking away a role or changing the password cuts the user. */
export function userEffects(realm: string, id: string, change: Change<User>): readonly Write[] {
  const { before, after } = change;
  const mustCut =
    before !== undefined &&
    after !== undefined &&
    (hasLost(before.roles, after.roles) || before.passwordHash !== after.passwordHash);
  return nodeEffects({ realm, node: userNode(id), ttl: CUT_TTL }, change, mustCut);
}

/** `ttl`: how long anything below the node can live. */
type Place = { readonly realm: string; readonly node: string; readonly ttl: number };

function nodeEffects(
  place: Place,
  { before, after }: Change<Switchable>,
  mustCut: boolean,
): readonly Write[] {
  const { realm, node, ttl } = place;
  if (after === undefined) return removalEffects(place, before?.enabled === false);
  // Somebody else may have had the name before: what was issued under it then stays dead.
  if (before?.enabled !== after.enabled) {
    return after.enabled ? [{ open: node, realm, ttl }] : [{ close: node, realm }];
  }
  return mustCut ? [{ cut: node, realm, ttl }] : [];
}

/** A node that was closed for ever is closed anew with an expiry, so that the store can drop it one day. */
function removalEffects({ realm, node, ttl }: Place, isClosed: boolean): readonly Write[] {
  const close: Write = { close: node, realm, ttl };
  return isClosed ? [{ open: node, realm, ttl }, close] : [close];
}

function hasLost(before: readonly string[], after: readonly string[]): boolean {
  return before.some((name) => !after.includes(name));
}

/** An absent ceiling is the widest one. */
function isNarrower(before: readonly string[] | undefined, after: readonly string[] | undefined): boolean {
  return after !== undefined && (before === undefined || hasLost(before, after));
}
