/**
 * Semaphor: the token of a dashboard or project for the resource's own secret, and its end by whoever holds it. The
 * token is a signed reference: it contains what the product's component reads; its limits stay on the server.
 */
import { equalInConstantTime } from '../../../base/hash.ts';
import type { Refusal } from '../../../guest/grant/refusal.ts';
import { HOLDER } from '../../../guest/trail/trail.ts';
import { stateOf } from '../../../http/request-state.ts';
import type { Route } from '../../../http/routes.ts';
import { guardedAttempt } from '../shared/brute-force.ts';
import { createFacade, type FacadeError, type SectionCall } from '../shared/facade.ts';
import { clientIdOf, isMinted, lifeOf, mintFor, tellOf } from '../shared/minting.ts';
import { bearerOf, readJson } from '../shared/request.ts';
import { refusal, say } from './errors.ts';
import { grantOf, mayEdit, policiesOf, semaphorActions } from './grant.ts';
import { type SemaphorSection, semaphorRules } from './options.ts';
import { readTokenRequest, type TokenRequest, tokenRequest } from './token-request.ts';

type Call = SectionCall<SemaphorSection>;

const routes: readonly Route<Call>[] = [
  {
    method: 'POST',
    path: '/api/v1/token',
    who: 'section',
    schema: { body: tokenRequest },
    handler: createToken,
  },
  {
    method: 'POST',
    path: '/api/v1/invalidate-token',
    who: 'holder',
    crossOrigin: { headers: 'Authorization, Content-Type' },
    handler: invalidateToken,
  },
];

export const semaphor = createFacade({ name: 'semaphor', section: semaphorRules, routes, say });

async function createToken(call: Call): Promise<void> {
  const { ctx, section, realm } = call;
  const request = readTokenRequest(await readJson(ctx, say));
  const { resource } = request;
  const target = `${clientIdOf('semaphor')}/${resource.type}/${resource.id}`;
  const attempt = { target, value: request.secret };
  const project = await guardedAttempt(call, attempt, () => projectOf(section, request));
  if (project === undefined) throw refusal('INVALID_CREDENTIALS', 'Invalid credentials.', 401);
  const policies = policiesOf(request, section, realm.view.policies);
  const { ttl, warnings } = lifeOf(call, request.tokenExpiry, 'tokenExpiry');
  const minted = await mintFor(call, {
    name: 'semaphor',
    grant: grantOf(
      request,
      policies.map(({ use }) => use),
      ttl,
    ),
    // A secret belongs to one resource, and its tokens do too.
    ceiling: {
      types: [resource.type],
      resources: [{ ...resource, include: 'children' }],
      actions: [...semaphorActions],
      formats: ['jwt_reference'],
      policies: [...section.policies, ...section.assignedPolicies],
    },
    claims: {
      apiServiceUrl: section.apiServiceUrl ?? realm.guest.issuer,
      project_id: project.id,
      allowEdit: mayEdit(request) && section.actions?.includes('edit') !== false,
    },
  });
  if (!isMinted(minted)) {
    throw refusedGrant(
      policies.map(({ field }) => field),
      minted,
    );
  }
  tellOf(ctx, minted, warnings);
  ctx.body = { accessToken: minted.value };
}

/** The project of the resource whose secret was given; every secret is compared, right or wrong. */
function projectOf(
  { dashboards, projects }: SemaphorSection,
  { resource, secret }: TokenRequest,
): { readonly id: string | null } | undefined {
  const known =
    resource.type === 'project' ? projects.map((one) => ({ ...one, project: one.id })) : dashboards;
  const found = known.find(({ id }) => id === resource.id);
  // An unknown id takes as long as a wrong secret.
  const isRight = equalInConstantTime(found?.secret ?? '', secret);
  return found !== undefined && isRight ? { id: found.project ?? null } : undefined;
}

function refusedGrant(fields: readonly string[], { pointer, message }: Refusal): FacadeError {
  const index = /^\/policies\/(\d+)/.exec(pointer)?.[1];
  const field = index === undefined ? undefined : fields[Number(index)];
  if (field === undefined) return refusal('INVALID_REQUEST', 'The request asks for more than is allowed.');
  return refusal('INVALID_REQUEST', `A policy of ${field} ${message}.`);
}

/** The answer does not tell whether there was anything to end. */
async function invalidateToken({ ctx, guests, realm }: Call): Promise<void> {
  const value = bearerOf(ctx);
  if (value === undefined) throw refusal('INVALID_TOKEN', 'A bearer token is required.', 401);
  const { name } = realm.view;
  const found = await guests.findByValue(name, value);
  // Whoever holds a guest token may end it, whichever call made it.
  if (found !== undefined) {
    await guests.revokeAll(name, [found.record], { by: HOLDER, ...stateOf(ctx.req).source });
  }
  ctx.body = { success: true };
}
