/**
 * The library's document that posts itself (OAuth 2.0 Form Post Response Mode §2). It has a script, is in English, and no
 * option replaces it, so its form is read back from it and drawn as a page of ours.
 * `test/flows/auto-posts.test.ts` fails when an upgrade writes it otherwise.
 */

export type AutoPost = {
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
};

const FORM = /<form method="post" action="([^"]*)">/;
const INPUT = /<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g;

/** The form of a document that posts itself; `undefined` for every other body. */
export function autoPostIn(body: unknown): AutoPost | undefined {
  if (typeof body !== 'string' || !body.includes('document.forms[0].submit()')) return undefined;
  const action = FORM.exec(body)?.[1];
  if (action === undefined) return undefined;
  const fields = [...body.matchAll(INPUT)].map(
    ([, name = '', value = '']) => [name, unescaped(value)] as const,
  );
  return { action: unescaped(action), fields };
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

function unescaped(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
}
