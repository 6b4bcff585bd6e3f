/** How a resource is named in a question: `dash-1`, or `dashboard:dash-1`. */
import { customType, resourceTypes } from './actions.ts';

type Named = { readonly type: string; readonly id: string };

const qualified = new RegExp(`^(${resourceTypes.join('|')}|custom:${customType.source}):`);

/**
 * True when the name means this resource. A name that begins with a type and a colon means that type and nothing else,
 * so that no id passes for a resource of another type; any other name means an id, whatever its type. An id may hold
 * colons, and is asked for with its type where it begins as a type does.
 */
export function isNamed({ type, id }: Named, name: string): boolean {
  return qualified.test(name) ? name === `${type}:${id}` : name === id;
}
