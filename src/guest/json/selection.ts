/** How JSON names guest tokens: filters of lists, and the shapes of a mass cut. */
import { z } from 'zod';
import { clientId } from '../../registry/model/model.ts';
import type { Stamp } from '../../storage/port/port.ts';
import { identifier, label } from '../grant/fields.ts';
import { guestStates, type Selector } from '../lookup/lookup.ts';

/** Members of a query. */
export const guestFilter = {
  tenant: identifier.optional(),
  subject: identifier.optional(),
  resource: label(512).optional(),
  client: z.string().min(1).max(256).optional(),
  label: identifier.optional(),
  state: z.enum(guestStates).optional(),
};

const issuedBefore = z.union([z.int().min(0).max(253_402_300_799), z.iso.datetime({ offset: true })], {
  error: 'must be an ISO 8601 time with a zone, or seconds since the epoch',
});
const name = label(512);

export const byIds = z.strictObject({ ids: z.array(z.string().min(1).max(64)).min(1).max(100) });
export const bySelector = z.strictObject({
  tenant: identifier.optional(),
  subject: identifier.optional(),
  resource: name.optional(),
  client: clientId.or(z.string().regex(/^compat:[a-z]+$/)).optional(),
  label: identifier.optional(),
  issued_before: issuedBefore.optional(),
});

/** What a selector must be, for whoever sent another. */
export const SHAPES =
  'send ids, or exactly one of: tenant; tenant and subject; tenant and resource; resource; client; label';

/** Of seconds since the epoch or an ISO 8601 time: a stamp of the store. */
export function stampOf(time: number | string): Stamp {
  return (typeof time === 'number' ? time : Date.parse(time) / 1000) * 1_000_000;
}

type Given = Omit<z.infer<typeof bySelector>, 'issued_before'>;

/** The selector; `undefined` when it has none of the documented shapes. */
export function selectorOf(given: Given): Selector | undefined {
  const { tenant, subject, resource, client, label } = given;
  const names = Object.keys(given).sort().join(' ');
  if (names === 'tenant' && tenant !== undefined) return { tenant };
  if (names === 'subject tenant' && tenant !== undefined && subject !== undefined) return { tenant, subject };
  if (names === 'resource tenant' && tenant !== undefined && resource !== undefined)
    return { tenant, resource };
  return selectorAlone(names, { resource, client, label });
}

function selectorAlone(names: string, { resource, client, label }: Given): Selector | undefined {
  if (names === 'resource' && resource !== undefined) return { resource };
  if (names === 'client' && client !== undefined) return { client };
  if (names === 'label' && label !== undefined) return { label };
  return undefined;
}
