/** Mistakes in the sections of a realm file. */
import { describe, expect, it } from 'vitest';
import { facades } from '../../src/surfaces/facades/facades.ts';
import { faultsOf, withHead } from '../unit/config-support.ts';

const informer = 'readPermission: analytics:reports:read, writePermission: analytics:reports:write';

describe('a compatibility section', () => {
  it.each<[string, string, string]>([
    [
      'an unknown product',
      'compat:\n  databrian: {}\n',
      '9:3 compat.databrian: there is no such field, did you mean "databrain"?',
    ],
    [
      'an unknown field',
      'compat:\n  databrain:\n    workspace: [a]\n',
      '10:5 compat.databrain.workspace: there is no such field, did you mean "workspaces"?',
    ],
    [
      'a key that is too short',
      'compat:\n  databrain:\n    serviceTokens: [short]\n',
      '10:21 compat.databrain.serviceTokens[0]: must have at least 16 characters',
    ],
    [
      'a key that is there twice',
      'compat:\n  databrain:\n    serviceTokens: [aaaaaaaaaaaaaaaa]\n    dataApps: [{ name: a, apiKeys: [aaaaaaaaaaaaaaaa] }]\n',
      '11:37 compat.databrain.dataApps[0].apiKeys[0]: is there twice',
    ],
    [
      'a data app that is there twice',
      'compat:\n  databrain:\n    dataApps: [{ name: a }, { name: a }]\n',
      '10:37 compat.databrain.dataApps[1].name: data app "a" is there twice',
    ],
    [
      'an API that is not there',
      'compat:\n  databrain: { api: analytisc }\n',
      '9:21 compat.databrain.api: there is no API "analytisc", did you mean "analytics"?',
    ],
    [
      'an action that is none',
      'compat:\n  databrain: { actions: [veiw] }\n',
      '9:26 compat.databrain.actions[0]: must be one of view, filter',
    ],
    [
      'a life that is too long',
      'compat:\n  semaphor: { maxTtl: 99999999 }\n',
      '9:23 compat.semaphor.maxTtl: must be at most 5184000',
    ],
    [
      'a dashboard without a secret',
      'compat:\n  semaphor: { dashboards: [{ id: d }] }\n',
      '9:28 compat.semaphor.dashboards[0].secret: is missing',
    ],
    [
      'a policy that is not there',
      'policies: [{ kind: row, name: region, template: all }]\ncompat:\n  semaphor: { policies: [regoin] }\n',
      '10:26 compat.semaphor.policies[0]: there is no policy "regoin", did you mean "region"?',
    ],
    [
      'a permission that is not there',
      'compat:\n  informer: { readPermission: analytics:reports:reed, writePermission: analytics:reports:write }\n',
      '9:31 compat.informer.readPermission: there is no permission "analytics:reports:reed", did you mean "analytics:reports:read"?',
    ],
    [
      'a viewer without a place for the token',
      `compat:\n  informer: { ${informer}, viewer: "https://acme.test/view" }\n`,
      '9:105 compat.informer.viewer: must hold {token}',
    ],
    [
      'a viewer that is a script',
      `compat:\n  informer: { ${informer}, viewer: "javascript:alert(1)//{token}" }\n`,
      '9:105 compat.informer.viewer: ',
    ],
  ])('with %s is told with its place', async (_name, text, fault) => {
    const faults = await faultsOf(withHead(text));

    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^acme\\.yaml:${escaped(fault)}`));
  });

  it('of the demo realm has none', async () => {
    expect(await faultsOf(withHead(`compat:\n  informer: { ${informer} }\n`))).toEqual([]);
  });

  it('takes no name of a client that a section has', async () => {
    const faults = await faultsOf(withHead('clients:\n  - { id: "compat:databrain", public: true }\n'));

    expect(faults[0]).toContain('clients[0].id: must not begin with daypass- or compat:');
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

describe('a section that says nothing of lives', () => {
  it.each(facades.map(({ name, section }) => [name, section.schema] as const))(
    'has tokens that end, after 30 days at the latest: %s',
    (name, schema) => {
      const permissions = {
        readPermission: 'analytics:reports:read',
        writePermission: 'analytics:reports:write',
      };

      const section = schema.parse(name === 'informer' ? permissions : {});

      expect(section).toMatchObject({ allowNonExpiring: false, maxTtl: 2_592_000 });
    },
  );
});
