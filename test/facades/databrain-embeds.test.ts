/** `allowedEmbeds` is a list of all that is allowed: filters limit, and open nothing. */
import { describe, expect, it } from 'vitest';
import { apiKey, detailOf, type FacadeServer, managerToken, send, startForFile } from './support.ts';

let server: FacadeServer;
startForFile((started) => {
  server = started;
});

describe('filters beside a list of embeds', () => {
  const filtered = (allowedEmbeds: readonly string[]) =>
    send(`${server.base}/api/v2/guest-token/create`, {
      token: apiKey,
      body: {
        clientId: 'id',
        dataAppName: 'sales-dashboard',
        params: {
          allowedEmbeds,
          appFilters: [{ metricId: 'm', values: { country: 'USA' } }],
          dashboardAppFilters: [{ dashboardId: 'd', values: { region: 'EMEA' } }],
        },
      },
    });
  const country = { col: 'country', op: 'eq', value: 'USA' };

  it('open nothing that is not on it, and keep their limits', async () => {
    const { token } = (await filtered(['e1'])).json;

    const listed = await server.introspect(token, { resource: 'e1' });
    const metric = await server.introspect(token, { resource: 'metric:m', action: 'view' });
    const dashboard = await server.introspect(token, { resource: 'd', action: 'filter' });

    expect(listed.allowed).toBe(true);
    expect(metric).toMatchObject({ allowed: false, policy: { rows: country } });
    expect(metric.policy.sql.sqlite.params).toEqual(['USA']);
    expect(dashboard).toMatchObject({
      allowed: false,
      policy: { filters: { locked: { region: 'EMEA' } } },
    });
    expect(detailOf(listed, 'm')).toMatchObject({ actions: [], rows: country });
    expect(detailOf(listed, 'd')).toMatchObject({ actions: [], filters: { locked: { region: 'EMEA' } } });
  });

  it('limit what is on it under its own id', async () => {
    const { token } = (await filtered(['m', 'd'])).json;

    const embeds = await Promise.all(
      ['embed:m', 'metric:m', 'embed:d', 'dashboard:d'].map((resource) =>
        server.introspect(token, { resource }),
      ),
    );

    expect(embeds.map(({ allowed }) => allowed)).toEqual([true, true, true, true]);
    expect(embeds.map(({ policy }) => [policy.rows, policy.filters?.locked])).toEqual([
      [country, undefined],
      [country, undefined],
      ['all', { region: 'EMEA' }],
      ['all', { region: 'EMEA' }],
    ]);
  });

  it('cannot be left out where the token is narrowed', async () => {
    const answer = await filtered(['e1', 'e2']);
    const headers = { token: await managerToken(server), method: 'PATCH' };
    const address = `${server.base}/guest-tokens/${answer.headers.get('x-guest-token-id')}`;
    const resources = [{ type: 'embed', id: 'e1', actions: ['view'], rows: 'all' }];

    const narrowed = await send(address, { ...headers, body: { resources } });
    const widened = await send(address, {
      ...headers,
      body: { resources: [...resources, { type: 'metric', id: 'm', actions: ['view'], rows: 'all' }] },
    });

    expect([narrowed.status, widened.status]).toEqual([200, 403]);
    const seen = await server.introspect(answer.json.token, { resource: 'm' });
    expect(seen).toMatchObject({ active: true, allowed: false, policy: { rows: country } });
    expect((await server.introspect(answer.json.token, { resource: 'e2' })).allowed).toBe(false);
  });
});
