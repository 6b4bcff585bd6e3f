/** The sections of a realm, as they are stored, shown and changed. */
import type { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { sectionEffect } from '../realm/realm-effect.ts';
import { changeSettings, storedSettings } from '../realm/settings.ts';
import { effectHeader } from '../shared/effects.ts';
import { problemOfFaults } from '../shared/faults.ts';
import type { Answer, RealmCall } from '../shared/route.ts';
import { hiderOf, hideSecrets, restoreSecrets, secretsOf } from './hidden.ts';

export type Section = Readonly<Record<string, unknown>>;

/** A product with its schema. Throws `Problem` for a name that is none. */
export function productOf({ deps, params }: Pick<RealmCall, 'deps' | 'params'>) {
  const product = deps.products.find(({ name }) => name === params['product']);
  if (product === undefined) {
    const names = deps.products.map(({ name }) => name).join(', ');
    throw new Problem('not_found', `there is no such product; there are ${names}`);
  }
  return product;
}

export function sectionIn(settings: RealmSettings, product: string): Section {
  const section = settings.compat?.[product];
  if (section === undefined) throw new Problem('not_found', 'the realm has no section for this product');
  return section;
}

export async function storedSection(call: RealmCall): Promise<Section> {
  return sectionIn(await storedSettings(call), productOf(call).name);
}

/** With every key hidden. */
export function sectionShown(call: Pick<RealmCall, 'deps' | 'params'>, section: Section): object {
  return hideSecrets(productOf(call).schema, section, hiderOf(call.deps.seal.digest)) as object;
}

/** What the caller sent, with the keys that it means. Throws `Problem` for a text that stands for none. */
export function withSecrets(
  { deps }: Pick<RealmCall, 'deps'>,
  schema: z.ZodType,
  { stored, sent }: { readonly stored: Section | undefined; readonly sent: unknown },
): unknown {
  const known = secretsOf(schema, stored, hiderOf(deps.seal.digest));
  return restoreSecrets(schema, sent, {
    known,
    unknown() {
      throw problemOfFaults([{ path: [], message: 'a hidden key is not one of this section' }]);
    },
  });
}

/**
 * Changes the section; `undefined` from `change` removes it. Resolves to the section as it is then, and to what was cut,
 * which is also in the headers of the answer.
 */
export async function changeSection(
  call: RealmCall,
  change: (before: Section | undefined) => Section | undefined,
): Promise<{ readonly section: Section | undefined; readonly effect: string | undefined }> {
  const { name } = productOf(call);
  let last: RealmSettings | undefined;
  const after = await changeSettings(call, {
    change(before) {
      last = before;
      const { [name]: stored, ...others } = before.compat ?? {};
      const changed = change(stored);
      const compat = changed === undefined ? others : { ...others, [name]: changed };
      const { compat: _, ...rest } = before;
      return Object.keys(compat).length === 0 ? rest : { ...rest, compat };
    },
    placeOf: () => ['compat', name],
  });
  const effect = sectionEffect(call, name, { before: last, after });
  call.ctx.set({ ...effectHeader(effect) });
  return { section: after.compat?.[name], effect };
}

export function answerOf(call: RealmCall, section: Section): Answer {
  return { status: 200, body: sectionShown(call, section), tagged: section };
}
