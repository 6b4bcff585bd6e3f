/** The routes of a list in the realm's settings whose members have a name: APIs, roles, policies. */
import { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { requireMatch } from '../shared/etag.ts';
import { mergePatch } from '../shared/merge-patch.ts';
import { listSchema } from '../shared/pages.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { changeSettings, storedSettings } from './settings.ts';

type ListName = 'apis' | 'roles' | 'policies';
type Item<Name extends ListName> = RealmSettings[Name][number];

type NamedList<Name extends ListName> = {
  readonly list: Name;
  /** What one is called, and the same as in the ids of operations, one and many. */
  readonly one: string;
  readonly ids: readonly [one: string, many: string];
  readonly schema: z.ZodType<Item<Name>>;
  readonly example: unknown;
  readonly patch: unknown;
  nameOf(item: Item<Name>): string;
  /** Whether an address means this one. */
  isMeant(item: Item<Name>, name: string): boolean;
};

const removed = z.strictObject({ removed: z.string() });
const patchBody = z.looseObject({});

/** Five routes: list, create, show, change, remove. */
export function namedListRoutes<Name extends ListName>(definition: NamedList<Name>): readonly AdminRoute[] {
  const { list, one, ids, schema, example, patch } = definition;
  const [capital, capitals] = ids;
  const path = `/${list}`;
  const ofOne = { path: `${path}/:name`, permissions: ['realm:write'] } as const;
  const shown = { 200: { description: `The ${one}.`, schema } };
  const reading = { permissions: ['realm:read', 'realm:write'] } as const;
  return [
    realmRoute({
      id: `list${capitals}`,
      method: 'GET',
      path,
      summary: `Lists every ${one} of the realm.`,
      ...reading,
      answers: { 200: { description: 'All of them.', schema: listSchema(schema) } },
      handler: async (call) => {
        const items = itemsOf(await storedSettings(call), list);
        return { status: 200, body: { items, next: null }, tagged: items };
      },
    }),
    realmRoute({
      id: `create${capital}`,
      method: 'POST',
      path,
      summary: `Adds a new ${one} to the realm.`,
      permissions: ['realm:write'],
      body: schema,
      answers: { 201: { description: `The new ${one}.`, schema } },
      example,
      handler: (call) => create(definition, call),
    }),
    realmRoute({
      id: `get${capital}`,
      method: 'GET',
      ...ofOne,
      ...reading,
      summary: `Shows one ${one}.`,
      answers: shown,
      handler: async (call) => {
        const items = itemsOf(await storedSettings(call), list);
        return answerOf(items[indexOf(definition, items, nameIn(call))]);
      },
    }),
    realmRoute({
      id: `change${capital}`,
      method: 'PATCH',
      ...ofOne,
      summary: `Changes one ${one}. What a role or API no longer gives is gone from living tokens.`,
      body: patchBody,
      patches: schema,
      media: 'application/merge-patch+json',
      isConditional: true,
      answers: shown,
      example: patch,
      handler: (call) => change(definition, call),
    }),
    realmRoute({
      id: `remove${capital}`,
      method: 'DELETE',
      ...ofOne,
      summary: `Removes one ${one}, unless another part of the settings names it.`,
      isConditional: true,
      answers: { 200: { description: 'It is gone.', schema: removed } },
      handler: (call) => remove(definition, call),
    }),
  ];
}

function itemsOf<Name extends ListName>(settings: RealmSettings, list: Name): readonly Item<Name>[] {
  return settings[list];
}

function withItems<Name extends ListName>(
  settings: RealmSettings,
  list: Name,
  items: readonly Item<Name>[],
): RealmSettings {
  return { ...settings, [list]: items };
}

function nameIn({ params }: Pick<RealmCall, 'params'>): string {
  return params['name'] ?? '';
}

function indexOf<Name extends ListName>(
  { one, isMeant, nameOf }: NamedList<Name>,
  items: readonly Item<Name>[],
  name: string,
): number {
  const exact = items.findIndex((item) => nameOf(item) === name);
  if (exact >= 0) return exact;
  const meant = items.flatMap((item, index) => (isMeant(item, name) ? [index] : []));
  if (meant[0] === undefined) throw new Problem('not_found', `there is no such ${one}`);
  if (meant.length > 1) {
    const names = meant.flatMap((index) => (items[index] === undefined ? [] : [nameOf(items[index])]));
    throw new Problem('conflict', `several have this name: say ${names.join(' or ')}`);
  }
  return meant[0];
}

async function create<Name extends ListName>(
  { list, one, nameOf }: NamedList<Name>,
  call: RealmCall<unknown, Item<Name>>,
): Promise<Answer> {
  const { body, deps, realm } = call;
  const after = await changeSettings(call, {
    change(before) {
      const items = itemsOf(before, list);
      if (items.some((item) => nameOf(item) === nameOf(body))) {
        throw new Problem('conflict', `there is such a ${one} already`);
      }
      return withItems(before, list, [...items, body]);
    },
    placeOf: (settings) => [list, itemsOf(settings, list).length - 1],
  });
  const created = itemsOf(after, list).at(-1);
  const Location = `${deps.publicUrl}/admin/v1/realms/${realm.name}/${list}/${encodeURIComponent(nameOf(body))}`;
  return { ...answerOf(created), status: 201, headers: { Location } };
}

async function change<Name extends ListName>(
  definition: NamedList<Name>,
  call: RealmCall<unknown, object>,
): Promise<Answer> {
  const { list } = definition;
  const { ctx, deps, body } = call;
  let at = 0;
  const after = await changeSettings(call, {
    change(before) {
      const items = itemsOf(before, list);
      at = indexOf(definition, items, nameIn(call));
      requireMatch(ctx, deps.tag(items[at]));
      // What the patch gives may be wrong: it is checked before it is used.
      const changed = mergePatch(items[at], body) as Item<Name>;
      return withItems(before, list, items.with(at, changed));
    },
    placeOf: () => [list, at],
  });
  return answerOf(itemsOf(after, list)[at]);
}

async function remove<Name extends ListName>(definition: NamedList<Name>, call: RealmCall): Promise<Answer> {
  const { list } = definition;
  await changeSettings(call, {
    change(before) {
      const items = itemsOf(before, list);
      const at = indexOf(definition, items, nameIn(call));
      requireMatch(call.ctx, call.deps.tag(items[at]));
      return withItems(before, list, items.toSpliced(at, 1));
    },
    placeOf: () => ['nothing of the body'],
  });
  return { status: 200, body: { removed: nameIn(call) } };
}

function answerOf(item: object | undefined): Answer {
  return item === undefined ? { status: 200 } : { status: 200, body: item, tagged: item };
}
