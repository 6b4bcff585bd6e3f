/** Lists of tokens where there are many. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Write } from '../../src/storage/port/port.ts';
import type { Answer } from '../support/http.ts';
import { type FacadeServer, report, send, startFor, tokenOf } from './support.ts';

const LIMIT = 5000;

let server: FacadeServer;
let ada: string;
beforeEach(async () => {
  server = await startFor();
  ada = await tokenOf(server, 'ada.admin', 'ada_password');
});

const call = (method: string, path: string, body?: unknown) =>
  send(`${server.base}${path}`, { method, token: ada, ...(body === undefined ? {} : { body }) });
const create = async (body: object): Promise<string> => (await call('POST', '/api/tokens', body)).json.id;
const idsIn = ({ json }: Answer) => json._embedded['inf:token'].map(({ id }: { id: string }) => id);
const warningOf = ({ headers }: Answer) => headers.get('x-guest-warnings');

/** Members of an index that stand for tokens which are gone, before all others. */
async function fill(kind: string, id: string, count: number): Promise<void> {
  const members = Array.from({ length: count }, (_, at) => `gt_gone${at}`);
  for (let at = 0; at < count; at += 500) {
    const writes = members
      .slice(at, at + 500)
      .map((member): Write => ({ index: { realm: 'acme', kind, id }, member, ttl: 600 }));
    await server.services.store.commit(writes);
  }
}

describe('a list of tokens', () => {
  it('says that it is not whole, and forgets the dead that were in its way', async () => {
    const id = await create({ type: 'personal' });
    await fill('informer-tokens', 'all', LIMIT);

    const [first, second] = [await call('GET', '/api/tokens'), await call('GET', '/api/tokens')];

    expect(warningOf(first)).toBe('the list is not whole: it goes through 5000 tokens');
    expect([idsIn(first), first.json.total]).toEqual([[], 0]);
    expect(warningOf(second)).toBeNull();
    expect([idsIn(second), second.json.total]).toEqual([[id], 1]);
  });

  it('of a report says so too', async () => {
    await create({ type: 'report', reportId: report });
    await fill('informer-report', report, LIMIT);

    const [first, second] = [
      await call('GET', `/api/reports/${report}/tokens`),
      await call('GET', `/api/reports/${report}/tokens`),
    ];

    expect([warningOf(first), first.json.tokens.length, first.json.warning]).toEqual([
      'the list is not whole: it goes through 5000 tokens',
      0,
      null,
    ]);
    expect([warningOf(second), second.json.tokens.length]).toEqual([null, 1]);
  });

  it('finds the tokens of a report, the public one too, however many others there are', async () => {
    const local = await create({ type: 'report', reportId: report });
    const { id: cloud } = (await call('POST', `/api/reports/${report}/_cloud-publish`)).json;
    await create({ type: 'personal' });
    await fill('informer-tokens', 'all', LIMIT);

    const found = await call('GET', `/api/tokens?reportId=${encodeURIComponent(report)}`);

    expect(warningOf(found)).toBeNull();
    expect(new Set(idsIn(found))).toEqual(new Set([local, cloud]));
    expect([found.json.start, found.json.count, found.json.total]).toEqual([0, 2, 2]);
  });

  it('does not show what was revoked otherwise, and keeps what lives', async () => {
    const [gone, left] = [await create({ type: 'personal' }), await create({ type: 'personal' })];
    await server.services.guests.revoke('acme', gone, { by: 'somebody' });

    const lists = [await call('GET', '/api/tokens'), await call('GET', '/api/tokens')];

    expect(lists.map(idsIn)).toEqual([[left], [left]]);
    const index = await server.services.store.list(
      { realm: 'acme', kind: 'informer-tokens', id: 'all' },
      { limit: 10 },
    );
    expect(index.members).toEqual([left]);
  });
});
