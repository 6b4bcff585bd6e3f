/** Whoever writes to the store behind the server's back is found out by `daypass audit verify`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batchesIndex, daysIndex, slotsIndex, writersIndex } from '../../src/audit/places.ts';
import { createSealer } from '../../src/keys/seal.ts';
import type { Services } from '../../src/services.ts';
import type { Key } from '../../src/storage/port/port.ts';
import { tryCommand } from '../support/command.ts';
import { masterKey, openOperator } from '../support/operator.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { acme } from '../support/realms.ts';

const realm = 'acme';
const { digest } = createSealer(masterKey);

describe.each(engines)('on %s', (_name, open) => {
  let engine: Engine;
  let writer: Services;

  /** One writer with four batches, each one change of a client. */
  beforeEach(async () => {
    engine = await open();
    writer = await openOperator(engine.url);
    await writer.registry.applyRealm(acme() as never);
    for (const ttl of [61, 62, 63]) await change(writer, ttl);
  });
  afterEach(async () => {
    await writer?.close();
    await engine?.stop();
  });

  const change = (services: Services, accessTokenTtl: number) =>
    services.registry.updateClient(realm, 'portal', (client) => ({ ...client, accessTokenTtl }));
  const command = (...args: string[]) =>
    tryCommand(args, { env: { DAYPASS_STORE: engine.url, DAYPASS_KEY: masterKey.toString('base64') } });
  const verify = () => command('audit', 'verify', '--realm', realm);
  const batches = async () =>
    [...(await engine.records(realm, 'audit'))].sort((a, b) => (a.id < b.id ? -1 : 1));
  /** Everything that lists batches or writers. */
  const lists = async () => {
    const days = await writer.store.list(daysIndex(realm), { limit: 10 });
    const ofDays = days.members.map((day) => writer.store.list(slotsIndex(realm, day), { limit: 10 }));
    const slots = (await Promise.all(ofDays)).flatMap(({ members }) => members);
    return [writersIndex(realm), ...slots.map((slot) => batchesIndex(realm, slot))];
  };
  const strike = async (index: Key, isMeant: (member: string) => boolean) => {
    const { members } = await writer.store.list(index, { limit: 100 });
    await Promise.all(
      members.filter(isMeant).map((member) => writer.store.commit([{ unindex: index, member }])),
    );
  };
  const at = async (index: number) => {
    const all = await batches();
    const batch = all.at(index);
    if (batch === undefined) throw new Error('no such batch');
    return { ...batch, key: { realm, kind: 'audit', id: batch.id } };
  };

  async function expectFault(fault: RegExp): Promise<void> {
    const { code, stdout } = await verify();
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(fault) });
  }

  it('is whole when nobody has', async () => {
    expect(await verify()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole: \d+ events in 4 batches/),
    });
  });

  it('is listed and exported, with what the command line does', async () => {
    await command('token', 'revoke-all', '--realm', realm, '--client', 'portal');
    const list = await command('audit', 'list', '--realm', realm, '--limit', '2', '--actor', 'operator');
    const exported = await command('audit', 'export', '--realm', realm, '--object', 'client:portal');
    const wrong = await command('audit', 'list', '--realm', realm, '--from', 'yesterday');
    const unknown = await command('audit', 'verify', '--realm', 'nowhere');

    const rows = list.stdout.trim().split('\n');
    expect(rows.map((row) => row.split('\t').slice(1, 5))).toEqual([
      ['tokens.revoke', 'success', 'operator', 'client:portal'],
    ]);
    const kinds = exported.stdout.trim().split('\n');
    expect(kinds.map((line) => JSON.parse(line).kind)).toEqual([
      'revocation',
      'tokens.revoke',
      'client.changed',
      'client.changed',
      'client.changed',
      'client.created',
    ]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/--from must be a time/)]);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/"nowhere" does not exist/)]);
  });

  it('is there for a time after the realm was removed', async () => {
    await writer.registry.removeRealm(realm);
    const list = await command('audit', 'list', '--realm', realm, '--kind', 'realm.removed');

    expect(list.stdout.split('\n')).toHaveLength(2);
    expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole: /) });
  });

  it('finds an event that was changed', async () => {
    const { key, value } = await at(1);
    await engine.rewrite(key, value.replace('"portal"', '"gateway"'));

    await expectFault(/batch 2 was changed/);
  });

  it('finds an event that was removed from its batch', async () => {
    const { key, value } = await at(0);
    const [seal, batch] = [value.slice(0, 43), JSON.parse(value.slice(43))];
    const text = JSON.stringify({ ...batch, events: batch.events.slice(1) });
    await engine.rewrite(key, seal + text);

    await expectFault(/batch 1 was changed/);
  });

  it('finds batches that changed places', async () => {
    const [second, third] = [await at(1), await at(2)];
    await engine.rewrite(second.key, third.value);
    await engine.rewrite(third.key, second.value);

    await expectFault(/batch 2 was changed[\s\S]*batch 3 was changed/);
  });

  it.each([
    ['the first batch', 0, /batch 1 was removed/],
    ['one from the middle', 1, /batch 2 was removed/],
    ['the last one', -1, /cut off at the end: batch 4 was removed/],
  ])('finds that %s is gone', async (_what, index, fault) => {
    await engine.rewrite((await at(index)).key, undefined);

    await expectFault(fault);
  });

  it('finds that the end was cut off together with what lists it', async () => {
    const last = await at(-1);
    await engine.rewrite(last.key, undefined);
    await strike(daysIndex(realm), () => true);

    await expectFault(/is in no list[\s\S]*cut off at the end: batch 4 was removed/);
  });

  it('finds that a head is gone, or says something else', async () => {
    const [head] = await engine.records(realm, 'audit-head');
    const key = { realm, kind: 'audit-head', id: head?.id ?? '' };
    await engine.rewrite(key, head?.value.replace('"n":4', '"n":3'));
    await expectFault(/its head was changed/);
    await engine.rewrite(key, undefined);

    await expectFault(/its head is gone/);
  });

  it('finds an older head in the place of the last one', async () => {
    const [head] = await engine.records(realm, 'audit-head');
    const key = { realm, kind: 'audit-head', id: head?.id ?? '' };
    await change(writer, 64);
    await engine.rewrite(key, head?.value);

    await expectFault(/cut off: it has batches behind 4/);
  });

  it('finds that a writer is gone with all that names it, when another one has seen it', async () => {
    const second = await openOperator(engine.url);
    await change(second, 71);
    await second.close();
    const { members } = await writer.store.list(writersIndex(realm), { limit: 10 });
    const [earlier = 'none'] = members;
    const own = (await batches()).filter(({ id }) => id.startsWith(earlier));
    for (const { id } of own) await engine.rewrite({ realm, kind: 'audit', id }, undefined);
    await engine.rewrite({ realm, kind: 'audit-head', id: earlier }, undefined);
    for (const index of await lists()) await strike(index, (member) => member.includes(earlier));

    expect(members).toHaveLength(2);
    await expectFault(
      new RegExp(`^writer ${earlier} is gone: another writer has seen its batch 4\nbroken: 1 `),
    );
  });

  it('cannot be forged without the master key', async () => {
    const { key, id, value } = await at(1);
    const text = value.slice(43).replace('"portal"', '"gateway"');
    const forged = createSealer(Buffer.alloc(32, 8)).digest(text, `${realm}/audit/${id.replace('~', '/')}`);
    await engine.rewrite(key, forged + text);
    await expectFault(/batch 2 was changed/);

    // With the key it can: the seal is what the test above says it is.
    expect(digest(value.slice(43), `${realm}/audit/${id.replace('~', '/')}`)).toBe(value.slice(0, 43));
  });
});
