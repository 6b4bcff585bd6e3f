/**
 * What a change does to what was issued before: the cuts that must be in the same commit as the change. Pure.
 * Disabling closes a node, enabling opens it again; what was issued before stays dead either way.
 */
import type { Write } from '../storage/store.ts';
import type { Client, RealmSettings, User } from './model.ts';
import { CUT_TTL, clientNode, userNode } from './records.ts';

type Switchable = { readonly enabled: boolean };
type Change<T> = { readonly before: T | undefined; readonly after: T | undefined };

export function realmEffects(realm: string, change: Change<RealmSettings>): readonly Write[] {
  return nodeEffects({ realm, node: '' }, change, false);
}

/** Taking away a role or narrowing the ceiling cuts the client. */
export function clientEffects(realm: string, id: string, change: Change<Client>): readonly Write[] {
  const { before, after } = change;
  const mustCut =
    before !== undefined &&
    after !== undefined &&
    (hasLost(before.roles, after.roles) || isNarrower(before.permissions, after.permissions));
  return nodeEffects({ realm, node: clientNode(id) }, change, mustCut);
}

/** Taking away a role or changing the password cuts the user. */
export function userEffects(realm: string, id: string, change: Change<User>): readonly Write[] {
  const { before, after } = change;
  const mustCut =
    before !== undefined &&
    after !== undefined &&
    (hasLost(before.roles, after.roles) || before.passwordHash !== after.passwordHash);
  return nodeEffects({ realm, node: userNode(id) }, change, mustCut);
}

function nodeEffects(
  { realm, node }: { realm: string; node: string },
  { before, after }: Change<Switchable>,
  mustCut: boolean,
): readonly Write[] {
  if (after === undefined) return removalEffects(realm, node, before?.enabled === false);
  // The name may have been somebody else's before: what was issued under it then stays dead.
  if (before?.enabled !== after.enabled) {
    return after.enabled ? [{ open: node, realm, ttl: CUT_TTL }] : [{ close: node, realm }];
  }
  return mustCut ? [{ cut: node, realm, ttl: CUT_TTL }] : [];
}

/** A node that was closed for good is closed anew, so that it is forgotten one day. */
function removalEffects(realm: string, node: string, isClosed: boolean): readonly Write[] {
  const close: Write = { close: node, realm, ttl: CUT_TTL };
  return isClosed ? [{ open: node, realm, ttl: CUT_TTL }, close] : [close];
}

function hasLost(before: readonly string[], after: readonly string[]): boolean {
  return before.some((name) => !after.includes(name));
}

/** No ceiling at all is the widest one. */
function isNarrower(before: readonly string[] | undefined, after: readonly string[] | undefined): boolean {
  return after !== undefined && (before === undefined || hasLost(before, after));
}
