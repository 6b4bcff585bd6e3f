/** How a resource is named when a resource server asks about it: `dash-1`, or `dashboard:dash-1`. */
import { customType, resourceTypes } from './actions.ts';

type Named = { readonly type: string; readonly id: string };

const qualified = new RegExp(`^(${resourceTypes.join('|')}|custom:${customType.source}):`);

/**
 * True when the name means this resource. A name that begins with a known type and a colon means a resource of that
 * type only, so that an id cannot pass for a resource of another type. Any other name is an id of any type. An id may
 * hold colons; one that begins like a type must be asked for with its own type in front.
 */
export function isNamed({ type, id }: Named, name: string): boolean {
  return qualified.test(name) ? name === `${type}:${id}` : name === id;
}
