/** What a client asks for beyond its ceiling: taken off and said, or refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { grant, guestRealm, introspect, mintGuest, mints, ownRows } from './guest-support.ts';

describe('a ceiling that lists single resources', () => {
  let server: TestServer;
  const resources = [
    { type: 'dashboard', id: 'alone' },
    { type: 'report', id: 'whole', include: 'children' },
  ];

  beforeAll(async () => {
    const realm = guestRealm({}, { portal: { mints: { ...mints, resources } } });
    server = await startTestServer({ realms: [realm] });
  });
  afterAll(() => server.stop());

  const mint = (type: string, id: string, include?: string) =>
    mintGuest(server, grant({ resources: [{ type, id, include, actions: ['view'], rows: ownRows }] }));

  it('takes off what lies below one of them, and says so', async () => {
    const { json } = await mint('dashboard', 'alone', 'children');

    expect(json.effective.narrowed).toEqual(['what lies below dashboard removed by client policy']);
    const seen = await introspect(server, json.token, { resource: 'alone' });
    expect(seen.json.authorization_details[0]).not.toHaveProperty('privileges');
    expect(seen.json.allowed).toBe(true);
  });

  it('lets through what lies below one where it says so', async () => {
    const { json } = await mint('report', 'whole', 'children');

    expect(json.effective.narrowed).toEqual([]);
    expect(json.authorization_details[0].privileges).toEqual(['children']);
  });

  it('says nothing where nothing below was asked for', async () => {
    const { json } = await mint('dashboard', 'alone');

    expect(json.effective.narrowed).toEqual([]);
  });
});
