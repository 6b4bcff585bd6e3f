import { describe, expect, it } from 'vitest';
import { faultsOf, withHead } from './config-support.ts';

const portal = (mints: string) =>
  withHead(`clients:\n  - id: portal\n    secret: portal-secret\n    mints:\n${mints}`);

const good = '      types: [dashboard]\n      actions: [view]\n';

describe('what a realm file says of guest tokens', () => {
  it.each([0, 3650])('takes %i days of trails', async (days) => {
    expect(await faultsOf(withHead(`guests:\n  trailDays: ${days}\n`))).toEqual([]);
  });

  it.each(['-1', '3651', '1.5', 'none'])('refuses %s days of trails', async (days) => {
    expect(await faultsOf(withHead(`guests:\n  trailDays: ${days}\n`))).toEqual([
      expect.stringContaining('guests.trailDays: '),
    ]);
  });

  it('takes a ceiling that fits', async () => {
    expect(await faultsOf(portal(good))).toEqual([]);
  });

  it.each<[string, string, string]>([
    [
      'an unknown field',
      `${good}      maxTll: 5\n`,
      'acme.yaml:14:7 clients[0].mints.maxTll: there is no such field, did you mean "maxTtl"?',
    ],
    ['a life that is none', `${good}      maxTtl: long\n`, 'acme.yaml:14:15 clients[0].mints.maxTtl: '],
    [
      'an action that does not exist',
      '      types: [dashboard]\n      actions: [veiw]\n',
      'acme.yaml:13:17 clients[0].mints.actions[0]: must be one of ',
    ],
    ['no types', '      actions: [view]\n', 'acme.yaml:12:7 clients[0].mints.types: is missing'],
    [
      'an unknown API',
      `${good}      apis: [analitics]\n`,
      'acme.yaml:14:14 clients[0].mints.apis[0]: there is no API "analitics", did you mean "analytics"?',
    ],
    [
      'an unknown policy',
      `${good}      policies: [region]\n`,
      'acme.yaml:14:18 clients[0].mints.policies[0]: there is no policy "region"',
    ],
    [
      'a resource of a type that it may not mint for',
      `${good}      resources: [{ type: report, id: r }]\n`,
      'acme.yaml:14:27 clients[0].mints.resources[0].type: is not one of types',
    ],
    [
      'a row limit that is none',
      `${good}      rows: { col: a, op: like, value: b }\n`,
      'acme.yaml:14:27 clients[0].mints.rows.op: ',
    ],
    [
      'a required policy that there is not',
      `${good}      requiredPolicies: [region]\n`,
      'acme.yaml:14:26 clients[0].mints.requiredPolicies[0]: there is no policy "region"',
    ],
    [
      'a placeholder that is none of the guest',
      `${good}      rows: { col: a, op: eq, value: "{{ tenant }}" }\n`,
      'acme.yaml:14:13 clients[0].mints.rows: tenant is not a placeholder of the guest',
    ],
    [
      'a placeholder inside a text',
      `${good}      rows: { col: a, op: eq, value: "x {{ subject.tenant }}" }\n`,
      'is not a placeholder of the guest',
    ],
  ])('tells of %s where it is', async (_what, mints, fault) => {
    const faults = await faultsOf(portal(mints));

    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  it('takes a row limit with values of the guest', async () => {
    const rows = '{ col: a, op: in, value: "{{ subject.attributes.states }}" }';

    expect(await faultsOf(portal(`${good}      rows: ${rows}\n`))).toEqual([]);
  });

  it('tells of a policy with what the server fills in, or with resources that it cannot limit', async () => {
    const faults = await faultsOf(
      withHead(
        'policies:\n' +
          '  - { kind: row, name: a, template: {}, parameters: [subject.id] }\n' +
          '  - { kind: schema, name: b, template: {}, resources: [{ type: metric }] }\n',
      ),
    );

    expect(faults).toEqual([
      expect.stringContaining('policies[0].parameters[0]: is filled in by the server'),
      expect.stringContaining('policies[1].resources: is for row policies alone'),
    ]);
  });

  it('tells of a realm policy that does not exist', async () => {
    const faults = await faultsOf(withHead('guests:\n  maxTtl: 0\n  allowEverything: true\n'));

    expect(faults).toEqual([
      expect.stringContaining('acme.yaml:9:11 guests.maxTtl: '),
      expect.stringContaining('acme.yaml:10:3 guests.allowEverything: there is no such field'),
    ]);
  });
});
