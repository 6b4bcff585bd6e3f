/** To whom the value of a token is shown again: nobody gets by reading what they could not make. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RealmFile } from '../../src/registry/model/model.ts';
import { type FacadeServer, report, send, startFacades, tokenOf } from './support.ts';

const grace = { username: 'grace.admin', password: 'grace_password', roles: ['realm-admin'] };

let server: FacadeServer;
const bearers: Record<string, string> = {};
beforeAll(async () => {
  const change = (acme: RealmFile): RealmFile => ({ ...acme, users: [...(acme.users ?? []), grace] });
  server = await startFacades({ change });
  bearers['ada'] = await tokenOf(server, 'ada.admin', 'ada_password');
  bearers['grace'] = await tokenOf(server, grace.username, grace.password);
  bearers['george'] = await tokenOf(server, 'george.becker', 'my_password');
  bearers['ada, reading'] = await tokenOf(server, 'ada.admin', 'ada_password', { scope: 'reports:read' });
});
afterAll(() => server.stop());

const get = async (path: string, who: string) =>
  (await send(`${server.base}${path}`, { method: 'GET', token: bearers[who] ?? '' })).json;
const make = async (body: object) =>
  (await send(`${server.base}/api/tokens`, { token: bearers['ada'] ?? '', body })).json;

type Entry = { readonly id: string; readonly token: string | null };

/** The token as the list and its own address show it. */
async function seen(id: string, who: string): Promise<readonly Entry[]> {
  const list: Entry[] = (await get('/api/tokens', who))._embedded['inf:token'];
  return [...list.filter((one) => one.id === id), await get(`/api/tokens/${id}`, who)];
}

describe('what ada made', () => {
  it.each([
    ['personal', 'ada', true],
    ['personal', 'ada, reading', false],
    ['personal', 'grace', false],
    ['personal', 'george', false],
    ['report', 'ada', true],
    ['report', 'grace', true],
    ['report', 'ada, reading', false],
    ['report', 'george', false],
  ])('for %s is listed for %s, with its value: %s', async (type, who, isShown) => {
    const made = await make({ type, ...(type === 'report' ? { reportId: report } : {}) });

    const entries = await seen(made.id, who);

    const expected = isShown ? made : { ...made, token: null };
    expect(entries).toEqual([expected, expected]);
  });

  it('for a report keeps its value to itself in the list of the report', async () => {
    const { id, token } = await make({ type: 'report', reportId: report });

    const [reader, writer] = await Promise.all(
      ['george', 'grace'].map(async (who) => {
        const { tokens } = await get(`/api/reports/${report}/tokens`, who);
        return tokens.find((one: Entry) => one.id === id);
      }),
    );

    expect(reader).toEqual({ ...writer, token: null });
    expect(writer.token).toBe(token);
  });

  it('and published is a link for all who may read', async () => {
    const address = `${server.base}/api/reports/${report}/_cloud-publish`;
    const { id, token, url } = (await send(address, { token: bearers['ada'] ?? '' })).json;

    const { tokens } = await get(`/api/reports/${report}/tokens`, 'george');

    expect(tokens.find((one: Entry) => one.id === id)).toMatchObject({ token, url, cloud: true });
  });
});
