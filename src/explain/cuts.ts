/** Which revocation killed a record. The store tells only that one did; each node is asked for by a guard that writes nothing. */
import type { Document, Store } from '../storage/port/port.ts';
import type { Reason } from './answer.ts';

/** Of the nodes that the record hangs under, those that were cut or closed after it was written. */
export async function cutsOf(
  store: Store,
  realm: string,
  { document, nodes }: { readonly document: Document; readonly nodes: readonly string[] },
): Promise<readonly Reason[]> {
  if (!document.cut) return [];
  const found: Reason[] = [];
  for (const node of new Set(['', ...nodes])) {
    const outcome = await store.commit([{ guard: node, realm, since: document.stamp }]);
    if (!outcome.ok) found.push({ rule: 'revoked', detail: sentenceOf(node) });
  }
  return found.length > 0 ? found : [{ rule: 'revoked', detail: 'it was revoked' }];
}

const sentences: Readonly<Record<string, (name: string) => string>> = {
  c: (id) => `everything of the client ${id} was revoked after it was issued, or the client is disabled`,
  u: (id) => `everything of the user ${id} was revoked after it was issued, or the user is disabled`,
  s: (uid) => `its session ${uid} has ended`,
  g: () =>
    'its grant was revoked: by the client, by the person, or because a spent code or refresh token was used again',
  t: () => 'the token that it was made from was revoked',
  gc: (id) => `what the client ${id} had minted was revoked: it may mint less than before`,
  gm: (id) => `the client ${id} may mint less than when it was made`,
  gf: () => 'it was revoked, or the token that it was narrowed or refreshed from',
  gt: (name) => `a mass cut of the tenant ${name}`,
  gs: (name) => `a mass cut of the subject ${name}`,
  gr: (name) => `a mass cut of the resource ${name}`,
  gx: (name) => `a mass cut of a resource of a tenant ${name}`,
  gl: (name) => `a mass cut of the label ${name}`,
};

function sentenceOf(node: string): string {
  if (node === '')
    return 'everything of the realm was revoked after it was issued, or the realm was disabled';
  const at = node.indexOf(':');
  return sentences[node.slice(0, at)]?.(node.slice(at + 1)) ?? 'it was revoked';
}
