/** The trail of a guest token as a stranger checks it. */
import { hash } from 'node:crypto';

export type TrailEvent = { readonly seq: number; readonly hash: string; readonly event: string } & Readonly<
  Record<string, string | number>
>;
export type Trail = {
  readonly events: readonly TrailEvent[];
  readonly head: { seq: number; hash: string } | null;
};

/** As docs/guest-tokens.md says, and with nothing of the server's code. */
export function checkTrail(id: string, { events, head }: Trail): string {
  const sha = (text: string) => hash('sha256', text, 'base64url');
  const chain = events.filter((event) => 'hash' in event);
  let prev = chain[0]?.seq === 1 ? sha(`guest-trail:${id}`) : chain[0]?.['prev'];
  let seq = chain[0]?.seq ?? 0;
  for (const event of chain) {
    const names = Object.keys(event)
      .filter((name) => name !== 'hash')
      .sort();
    if (event['token'] !== id || event.seq !== seq || event['prev'] !== prev) return `gap at ${event.seq}`;
    if (sha(JSON.stringify(event, names)) !== event.hash) return `changed at ${event.seq}`;
    prev = event.hash;
    seq += 1;
  }
  return head?.hash === prev && head?.seq === seq - 1 ? 'whole' : 'head';
}
