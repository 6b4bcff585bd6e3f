/** Reading the parameters of a token exchange (RFC 8693 §2.1), for guest tokens and for APIs. */
import { errors } from 'oidc-provider';

/** RFC 6749 §3.2: a parameter without a value counts as if it were omitted. */
export function given(form: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...form].filter(([, value]) => value !== ''));
}

/** Throws `invalid_request` where the parameter is missing. */
export function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null) throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  return value;
}

/** The resources, each an absolute URI without a fragment (RFC 8707 §2). Throws `invalid_target` for any other. */
export function resourcesOf(form: URLSearchParams): readonly string[] {
  const resources = form.getAll('resource');
  if (resources.some((resource) => !URL.canParse(resource) || resource.includes('#')))
    throw new errors.InvalidTarget('resource must be an absolute URI without a fragment');
  return resources;
}
