/**
 * Which APIs a new token is for (RFC 8707 §2, RFC 9396 §2.2): those that the request names, else those that its
 * resources name. The same for every way to ask.
 */
import { pointerOf } from '../../base/json-pointer.ts';
import type { GuestGrant, Resource } from '../grant/grant.ts';
import type { Refused } from '../grant/refusal.ts';
import { audiencesOf } from '../limits/guest-realm.ts';
import type { MintOrder } from './mint-order.ts';

export type ForApis = {
  readonly audiences: readonly string[];
  /** The grant, in which every resource names its APIs that is not for all of the token's. */
  readonly asked: GuestGrant;
};

/** `invalid_target` for an API that the client, or the guest token that this one is made from, does not have. */
export function audiencesFor(order: MintOrder): ForApis | Refused {
  const own = audiencesOf(order.realm, order.minter);
  const held = order.parent?.guest?.record.audiences;
  const allowed = held?.filter((audience) => own.includes(audience)) ?? own;
  const named = [...new Set((order.audiences ?? []).map((name) => audienceNamed(order, name)))];
  if (allowed.length === 0) return invalidTarget(['audience'], 'this client has no API to mint for');
  if (named.some((audience) => !allowed.includes(audience))) {
    const whose = held === undefined ? 'this client' : 'the parent and this client';
    return invalidTarget(['audience'], `is not an API of ${whose}`);
  }
  return named.length > 0 ? ofNamed(order, named) : ofResources(order, allowed);
}

/** An API is named by its id or by its audience. */
function audienceNamed({ realm }: MintOrder, name: string): string {
  return realm.apis.find((api) => api.id === name)?.audience ?? name;
}

/** A resource that is at none of the named APIs could be shown by none of them. */
function ofNamed({ asked }: MintOrder, named: readonly string[]): ForApis | Refused {
  const astray = asked.resources.findIndex(
    ({ locations }) => locations?.some((location) => named.includes(location)) === false,
  );
  return astray === -1
    ? { audiences: named, asked }
    : invalidTarget(['resources', astray, 'locations'], 'is none of the APIs that the token is for');
}

function ofResources(order: MintOrder, allowed: readonly string[]): ForApis {
  const { asked } = order;
  const usual = order.parent?.guest === undefined ? allowed.slice(0, 1) : allowed;
  const places = asked.resources.map((resource) => placesOf(order, resource) ?? usual);
  // The other limits name a place that the client does not have as what it is, with its pointer.
  const audiences = allowed.filter((audience) => places.some((some) => some.includes(audience)));
  if (audiences.length === 0) return { audiences: usual, asked };
  const isForAll = audiences.length === usual.length && audiences.every((one) => usual.includes(one));
  const resources = asked.resources.map((resource, at) =>
    isForAll || resource.locations !== undefined
      ? resource
      : { ...resource, locations: [...(places[at] ?? usual)] },
  );
  return { audiences, asked: { ...asked, resources } };
}

/** A resource without places has those of the same resource of the parent. */
function placesOf({ parent }: MintOrder, { type, id, locations }: Resource): readonly string[] | undefined {
  const held = parent?.guest?.record.granted.resources;
  return locations ?? held?.find((one) => one.type === type && one.id === id)?.locations;
}

function invalidTarget(path: readonly (string | number)[], message: string): Refused {
  return { refused: [{ code: 'invalid_target', pointer: pointerOf(path), message }] };
}
