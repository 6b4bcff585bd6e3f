/** `…/quotas`: how much of something there may be in a time. */
import { z } from 'zod';
import { networkLimits, quotas, type RealmSettings } from '../../../registry/model/model.ts';
import { requireMatch } from '../shared/etag.ts';
import { mergePatch } from '../shared/merge-patch.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { changeSettings, storedSettings } from './settings.ts';

const both = z.strictObject({ quotas, networkLimits });
const patch = z.strictObject({
  quotas: z.looseObject({}).optional(),
  networkLimits: z.looseObject({}).optional(),
});

export const quotaRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'getQuotas',
    method: 'GET',
    path: '/quotas',
    summary: 'Shows the quotas of the realm, and what strangers of one network may do.',
    permissions: ['realm:read', 'realm:write'],
    answers: { 200: { description: 'The quotas.', schema: both } },
    handler: async (call) => answerOf(await storedSettings(call)),
  }),
  realmRoute({
    id: 'changeQuotas',
    method: 'PATCH',
    path: '/quotas',
    summary: 'Changes quotas.',
    permissions: ['realm:write'],
    body: patch,
    patches: both,
    media: 'application/merge-patch+json',
    isConditional: true,
    answers: { 200: { description: 'The quotas.', schema: both } },
    example: { quotas: { guestTokensPerMinute: 1000 } },
    handler: change,
  }),
];

async function change(call: RealmCall<unknown, z.output<typeof patch>>): Promise<Answer> {
  const { ctx, deps, body } = call;
  const after = await changeSettings(call, {
    change(before) {
      requireMatch(ctx, deps.tag(partOf(before)));
      // What the patch gives may be wrong: it is checked before it is used.
      return { ...before, ...(mergePatch(partOf(before), body) as z.output<typeof both>) };
    },
    placeOf: () => [],
  });
  return answerOf(after);
}

function partOf({ quotas: own, networkLimits: ofStrangers }: RealmSettings): z.output<typeof both> {
  return { quotas: own, networkLimits: ofStrangers };
}

function answerOf(settings: RealmSettings): Answer {
  const body = partOf(settings);
  return { status: 200, body, tagged: body };
}
