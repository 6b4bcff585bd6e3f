/** As much as the products take, and errors that name the field that is wrong. */
import { describe, expect, it } from 'vitest';
import { databrainCalls, type FacadeServer, semaphorDashboard, send, startForFile } from './support.ts';

let server: FacadeServer;
startForFile((started) => {
  server = started;
});
const { create } = databrainCalls(() => server);

const databrain = (params: object) => create(1, { clientId: 'id', workspaceName: 'workspacename', params });
const semaphor = (body: object) =>
  send(`${server.base}/api/v1/token`, { body: { ...semaphorDashboard, ...body } });

const list = (count: number) => Array.from({ length: count }, (_, index) => index);
const rls = (count: number) => list(count).map((at) => ({ metricId: `m${at}`, values: { r: 'x' } }));
const embeds = (count: number) => list(count).map((at) => `e${at}`);

describe('DataBrain', () => {
  it('takes 1,000 row limits and 1,000 embeds in one token', async () => {
    const answer = await databrain({ rlsSettings: rls(1000), allowedEmbeds: embeds(1000) });

    expect(answer.status).toBe(200);
    const asked = await server.introspect(answer.json.token, { resource: 'metric:m999' });
    expect(asked).toMatchObject({ active: true, policy: { rows: { col: 'r', op: 'eq', value: 'x' } } });
    expect(await server.introspect(answer.json.token, { resource: 'embed:e999' })).toMatchObject({
      allowed: true,
    });
  });

  it('names the limit beyond that', async () => {
    const answers = [
      await databrain({ rlsSettings: rls(1001) }),
      await databrain({ allowedEmbeds: embeds(1001) }),
    ];

    expect(answers.map(({ status, json }) => [status, json.error.message])).toEqual([
      [400, 'invalid rls settings: rlsSettings has more than 1000 entries'],
      [400, 'params: allowedEmbeds has more than 1000 entries'],
    ]);
  });

  it.each<[string, object, string]>([
    ['an unknown parameter', { rlsSetting: [] }, 'params: rlsSetting is not a known field'],
    ['a wrong value', { timezone: 'Mars/Base' }, 'params: timezone '],
    [
      'a wrong entry',
      {
        rlsSettings: [
          { metricId: 'm', values: { r: 'x' } },
          { metricId: 5, values: {} },
        ],
      },
      'invalid rls settings: rlsSettings[1].metricId is missing or invalid',
    ],
  ])('names %s', async (_what, params, message) => {
    expect((await databrain(params)).json.error.message).toContain(message);
  });
});

describe('Semaphor', () => {
  it.each<[string, object, string]>([
    ['an unknown field', { tenantID: 'blue' }, 'tenantID is not a known field.'],
    ['an unknown setting', { config: { showAll: true } }, 'config.showAll is not a known field.'],
    ['a wrong value', { tokenExpiry: 'soon' }, 'tokenExpiry is invalid'],
    ['a name of other characters', { 'a\n\u202e': 1 }, 'a?? is not a known field.'],
  ])('names %s', async (_what, body, message) => {
    expect((await semaphor(body)).json.error).toContain(message);
  });

  it.each(['jörg@example.com', 'user@corp', 'not an address'])(
    'keeps the e-mail address %s as it is',
    async (email) => {
      const answer = await semaphor({ endUserId: 'u', endUserEmail: email });

      expect(answer.status).toBe(200);
      const asked = await server.introspect(answer.json.accessToken);
      const session = asked.authorization_details.find(
        ({ type }: { type: string }) => type === 'embed_session',
      );
      expect(session.subject.email).toBe(email);
    },
  );
});
