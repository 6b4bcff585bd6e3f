/**
 * Freezes plain data, with all that it holds. What many requests share is frozen: a change of it fails in the request
 * that makes it, and not in the next one.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
