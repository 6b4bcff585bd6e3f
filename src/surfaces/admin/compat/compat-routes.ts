/** `…/compat/{product}`: the sections of embed products, with their keys, dashboards and reports. */
import { z } from 'zod';
import { randomValue } from '../../../base/random.ts';
import { Problem } from '../../../http/problem.ts';
import { storedSettings } from '../realm/settings.ts';
import { requireMatch } from '../shared/etag.ts';
import { mergePatch } from '../shared/merge-patch.ts';
import { listSchema } from '../shared/pages.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { elementOf, hiderOf, isSecret } from './hidden.ts';
import {
  answerOf,
  changeSection,
  productOf,
  type Section,
  sectionIn,
  sectionShown,
  storedSection,
  withSecrets,
} from './sections.ts';

const one = '/compat/:product';
const inList = `${one}/:list`;
const entry = `${inList}/:entry`;
const reading = { permissions: ['realm:read', 'realm:write'] } as const;
const writing = { permissions: ['realm:write'] } as const;

/** The fields are those of the product's section in realm files. */
const section = z.looseObject({});
const shown = { 200: { description: 'The section, its keys hidden.', schema: section } };
const removed = z.strictObject({ removed: z.string() });
const made = z.looseObject({ secret: z.string().optional() });

export const compatRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listProducts',
    method: 'GET',
    path: '/compat',
    ...reading,
    summary:
      'Lists the sections of embed products. In place of a key stands `hidden:…`, which means it when sent back.',
    answers: {
      200: {
        description: 'All of them.',
        schema: listSchema(z.strictObject({ product: z.string(), section })),
      },
    },
    handler: listProducts,
  }),
  realmRoute({
    id: 'getProduct',
    method: 'GET',
    path: one,
    ...reading,
    summary: 'Shows the section of a product: `databrain`, `semaphor` or `informer`.',
    answers: shown,
    handler: async (call) => answerOf(call, await storedSection(call)),
  }),
  realmRoute({
    id: 'putProduct',
    method: 'PUT',
    path: one,
    ...writing,
    summary: 'Creates the section of a product, or replaces it: then `If-Match` is needed.',
    body: section,
    answers: { ...shown, 201: { description: 'The new section.', schema: section } },
    handler: putSection,
  }),
  realmRoute({
    id: 'changeProduct',
    method: 'PATCH',
    path: one,
    ...writing,
    summary:
      'Changes the section of a product. With `enabled: false` its addresses are gone, and what it minted is dead.',
    body: section,
    media: 'application/merge-patch+json',
    isConditional: true,
    answers: shown,
    handler: patchSection,
  }),
  realmRoute({
    id: 'removeProduct',
    method: 'DELETE',
    path: one,
    ...writing,
    summary: 'Removes the section of a product. What it minted is dead.',
    isConditional: true,
    answers: { 200: { description: 'It is gone.', schema: removed.extend({ effect: z.string() }) } },
    handler: removeSection,
  }),
  realmRoute({
    id: 'addToProduct',
    method: 'POST',
    path: inList,
    ...writing,
    summary:
      'Adds to a list of a section: a dashboard, project or data app, or (`serviceTokens`) a key. A secret that is not ' +
      'sent is made, and shown this once.',
    body: section,
    answers: { 201: { description: 'What was added, with its secret.', schema: made } },
    handler: addEntry,
  }),
  realmRoute({
    id: 'removeFromProduct',
    method: 'DELETE',
    path: entry,
    ...writing,
    summary:
      'Removes an entry of a list by its `id` or `name`, or a key by the `hidden:…` that stands for it.',
    isConditional: true,
    answers: { 200: { description: 'It is gone.', schema: removed } },
    handler: removeEntry,
  }),
  realmRoute({
    id: 'rotateProductSecret',
    method: 'POST',
    path: `${entry}/secret`,
    ...writing,
    summary: 'Gives a dashboard or project a new secret, which is shown this once.',
    answers: { 200: { description: 'The entry with its new secret.', schema: made } },
    handler: rotateSecret,
  }),
  realmRoute({
    id: 'addProductKey',
    method: 'POST',
    path: `${entry}/:keys`,
    ...writing,
    summary: 'Makes a key in a list of an entry (`apiKeys` of a data app), and shows it this once.',
    answers: { 201: { description: 'The key.', schema: made } },
    handler: addKey,
  }),
  realmRoute({
    id: 'removeProductKey',
    method: 'DELETE',
    path: `${entry}/:keys/:key`,
    ...writing,
    summary: 'Removes a key by the `hidden:…` that stands for it.',
    isConditional: true,
    answers: { 200: { description: 'It is gone.', schema: removed } },
    handler: removeKey,
  }),
];

async function listProducts(call: RealmCall): Promise<Answer> {
  const settings = await storedSettings(call);
  const items = call.deps.products.flatMap(({ name: product }) => {
    const stored = settings.compat?.[product];
    if (stored === undefined) return [];
    return [{ product, section: sectionShown({ ...call, params: { product } }, stored) }];
  });
  return { status: 200, body: { items, next: null } };
}

async function putSection(call: RealmCall<unknown, Section>): Promise<Answer> {
  const { schema } = productOf(call);
  let isNew = true;
  const { section: after } = await changeSection(call, (before) => {
    isNew = before === undefined;
    if (before !== undefined) requireMatch(call.ctx, call.deps.tag(before));
    return withSecrets(call, schema, { stored: before, sent: call.body }) as Section;
  });
  return { ...answerOf(call, after ?? {}), status: isNew ? 201 : 200 };
}

async function patchSection(call: RealmCall<unknown, Section>): Promise<Answer> {
  const { schema } = productOf(call);
  const after = await changeExisting(call, (before) => {
    requireMatch(call.ctx, call.deps.tag(before));
    return withSecrets(call, schema, { stored: before, sent: mergePatch(before, call.body) }) as Section;
  });
  return answerOf(call, after);
}

async function removeSection(call: RealmCall): Promise<Answer> {
  const { name } = productOf(call);
  const { effect } = await changeSection(call, (before) => {
    if (before === undefined) sectionIn({ ...call.realm, compat: undefined }, name);
    requireMatch(call.ctx, call.deps.tag(before));
    return undefined;
  });
  return { status: 200, body: { removed: name, effect: effect ?? '' } };
}

/** Changes a section that is there. */
async function changeExisting(call: RealmCall, change: (before: Section) => Section): Promise<Section> {
  const { section: after } = await changeSection(call, (before) => {
    if (before === undefined) throw new Problem('not_found', 'the realm has no section for this product');
    return change(before);
  });
  return after ?? {};
}

type Entry = Readonly<Record<string, unknown>>;

/** A list of a section, and what its members are. */
function listIn({ deps, params }: RealmCall, before: Section) {
  const list = params['list'] ?? '';
  const element = elementOf(productOf({ deps, params }).schema, list);
  if (element === undefined) throw new Problem('not_found', 'the section has no such list');
  const value = before[list];
  return { list, element, items: Array.isArray(value) ? (value as readonly (Entry | string)[]) : [] };
}

async function addEntry(call: RealmCall<unknown, Entry>): Promise<Answer> {
  const { body } = call;
  const secret = typeof body['secret'] === 'string' ? body['secret'] : newKey();
  let added: object = {};
  await changeExisting(call, (before) => {
    const { list, element, items } = listIn(call, before);
    if (isSecret(element)) {
      added = { id: hiderOf(call.deps.seal.digest)(secret), secret };
      return { ...before, [list]: [...items, secret] };
    }
    const hasSecret = elementHas(element, 'secret');
    const entryOf = hasSecret ? { ...body, secret } : body;
    added = entryOf;
    return { ...before, [list]: [...items, entryOf] };
  });
  return { status: 201, body: added };
}

function elementHas(element: z.ZodType, name: string): boolean {
  return element instanceof z.ZodObject && name in element.shape;
}

/** The place of the entry that the address means. */
function placeIn(call: RealmCall, items: readonly (Entry | string)[]): number {
  const wanted = call.params['entry'] ?? '';
  const hide = hiderOf(call.deps.seal.digest);
  const at = items.findIndex((item) =>
    typeof item === 'string' ? hide(item) === wanted : item['id'] === wanted || item['name'] === wanted,
  );
  if (at < 0) throw new Problem('not_found', 'the list has no such entry');
  return at;
}

async function removeEntry(call: RealmCall): Promise<Answer> {
  await changeExisting(call, (before) => {
    const { list, items } = listIn(call, before);
    const at = placeIn(call, items);
    requireMatch(call.ctx, call.deps.tag(before));
    return { ...before, [list]: items.toSpliced(at, 1) };
  });
  return { status: 200, body: { removed: call.params['entry'] ?? '' } };
}

async function rotateSecret(call: RealmCall): Promise<Answer> {
  const secret = newKey();
  const changed = await changeEntry(call, (found) => {
    if (found['secret'] === undefined) throw new Problem('conflict', 'the entry has no secret');
    return { ...found, secret };
  });
  return { status: 200, body: changed };
}

async function addKey(call: RealmCall): Promise<Answer> {
  const secret = newKey();
  await changeEntry(call, (found) => ({ ...found, [keysIn(call)]: [...keysOf(call, found), secret] }));
  return { status: 201, body: { id: hiderOf(call.deps.seal.digest)(secret), secret } };
}

async function removeKey(call: RealmCall): Promise<Answer> {
  const wanted = call.params['key'] ?? '';
  const hide = hiderOf(call.deps.seal.digest);
  await changeEntry(
    call,
    (found) => {
      const keys = keysOf(call, found);
      const at = keys.findIndex((key) => hide(key) === wanted);
      if (at < 0) throw new Problem('not_found', 'there is no such key');
      return { ...found, [keysIn(call)]: keys.toSpliced(at, 1) };
    },
    true,
  );
  return { status: 200, body: { removed: wanted } };
}

function keysIn({ params }: Pick<RealmCall, 'params'>): string {
  return params['keys'] ?? '';
}

function keysOf(call: RealmCall, found: Entry): readonly string[] {
  const { element } = listIn(call, {});
  const keys = elementOf(element, keysIn(call));
  if (keys === undefined || !isSecret(keys)) throw new Problem('not_found', 'the entry has no such keys');
  const value = found[keysIn(call)];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** Resolves to the entry as it is then. */
async function changeEntry(
  call: RealmCall,
  change: (found: Entry) => Entry,
  isConditional = false,
): Promise<Entry> {
  let changed: Entry = {};
  await changeExisting(call, (before) => {
    const { list, items } = listIn(call, before);
    const at = placeIn(call, items);
    if (isConditional) requireMatch(call.ctx, call.deps.tag(before));
    const found = items[at];
    if (typeof found !== 'object') throw new Problem('not_found', 'the entry is a key');
    changed = change(found);
    return { ...before, [list]: items.with(at, changed) };
  });
  return changed;
}

/** As long as the secrets of clients. */
function newKey(): string {
  return randomValue();
}
