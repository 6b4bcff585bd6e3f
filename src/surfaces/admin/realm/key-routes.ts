/** `…/keys`: signing keys of a realm. */
import { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import type { KeyInfo } from '../../../keys/ring.ts';
import { listSchema } from '../shared/pages.ts';
import { type AdminRoute, type Answer, noteDeed, type RealmCall, realmRoute } from '../shared/route.ts';

const time = z.iso.datetime();

const shownKey = z.strictObject({
  kid: z.string(),
  alg: z.string(),
  /** `next` is published and does not sign yet, `current` signs, `retired` is published for what it has signed. */
  state: z.enum(['next', 'current', 'retired']),
  publishedAt: time,
  signsFrom: time,
  retiredAt: time.optional(),
});

const rotation = z.strictObject({
  /** For keys that leaked: at once, and nothing that was signed before verifies any more. */
  now: z.boolean().default(false),
});

const report = z.strictObject({
  /** Algorithms with a new signing key. */
  rotated: z.array(z.string()),
  /** Algorithms whose next key must be published longer before it signs. */
  scheduled: z.array(z.strictObject({ alg: z.string(), signsFrom: time })),
});

export const keyRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listKeys',
    method: 'GET',
    path: '/keys',
    summary: 'Lists the published signing keys. A realm that was never used has none yet.',
    permissions: ['keys:read', 'keys:rotate'],
    answers: { 200: { description: 'All of them.', schema: listSchema(shownKey) } },
    handler: async ({ deps, realm }) => ({
      status: 200,
      body: { items: (await deps.keyRing.list(realm.name)).map(keyShown), next: null },
    }),
  }),
  realmRoute({
    id: 'rotateKeys',
    method: 'POST',
    path: '/keys/rotate',
    summary: 'Changes the signing keys as soon as the next ones have been published for long enough.',
    permissions: ['keys:rotate'],
    body: rotation,
    answers: { 200: { description: 'What changed, and what will.', schema: report } },
    example: {},
    handler: rotate,
  }),
  realmRoute({
    id: 'retireKey',
    method: 'DELETE',
    path: '/keys/:kid',
    summary: 'Stops publishing a retired key: what it has signed verifies no longer.',
    permissions: ['keys:rotate'],
    answers: { 200: { description: 'It is gone.', schema: z.strictObject({ removed: z.string() }) } },
    handler: retire,
  }),
];

function keyShown({ publishedAt, signsFrom, retiredAt, ...rest }: KeyInfo) {
  return {
    ...rest,
    publishedAt: isoTime(publishedAt),
    signsFrom: isoTime(signsFrom),
    ...(retiredAt !== undefined && { retiredAt: isoTime(retiredAt) }),
  };
}

async function rotate(call: RealmCall<unknown, z.output<typeof rotation>>): Promise<Answer> {
  const { deps, realm, body } = call;
  await noteDeed(call, 'keys.rotate', { now: String(body.now) });
  const { rotated, scheduled } = await deps.keyRing.rotate(realm.name, body);
  const waiting = scheduled.map(({ alg, at }) => ({ alg, signsFrom: isoTime(at) }));
  return { status: 200, body: { rotated, scheduled: waiting } };
}

async function retire(call: RealmCall): Promise<Answer> {
  const { deps, realm, params } = call;
  const kid = params['kid'] ?? '';
  const key = (await deps.keyRing.list(realm.name)).find((one) => one.kid === kid);
  if (key === undefined) throw new Problem('not_found', 'there is no such key');
  if (key.state !== 'retired') {
    throw new Problem('conflict', 'the key signs, or will: rotate first, then it can be retired');
  }
  await noteDeed(call, 'keys.retire', { kid });
  await deps.keyRing.retire(realm.name, kid);
  return { status: 200, body: { removed: kid } };
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
