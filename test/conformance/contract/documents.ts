/** Documents: what is put is read, for as long as it may be. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { randomId } from '../../../src/base/random.ts';
import type { Write } from '../../../src/storage/port/port.ts';
import { commitOk, keyIn, readOne, type Stores } from './support.ts';

export function documents(stores: Stores): void {
  it('reads what was put, in the order of the keys, and undefined for what is not there', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const stamp = await commitOk(
      a,
      { put: keyIn(realm, '1'), value: 'one', ttl: 60 },
      { put: keyIn(realm, '2'), value: 'two', ttl: 60 },
    );

    const found = await b.read([keyIn(realm, '2'), keyIn(realm, '3'), keyIn(realm, '1')]);

    expect(found).toEqual([
      { value: 'two', stamp, cut: false, now: expect.any(Number) },
      undefined,
      { value: 'one', stamp, cut: false, now: expect.any(Number) },
    ]);
  });

  it('reads nothing when asked for nothing', async () => {
    expect(await stores()[0].read([])).toEqual([]);
  });

  it('keeps any value and any id as they are', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const unicode = fc.string({ unit: 'binary', maxLength: 50 });

    await fc.assert(
      fc.asyncProperty(unicode, unicode, async (id, value) => {
        await commitOk(a, { put: keyIn(realm, id), value, ttl: 60 });

        expect(await readOne(b, keyIn(realm, id))).toMatchObject({ value });
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['empty', ''],
    ['NUL', 'a\0b\0'],
    ['emoji and combining', '👩‍👩‍👧 e\u0301 \u{10ffff} \ufeff'],
    ['control characters', '\u0001\r\n\u001f\u007f'],
    ['100 kB', 'ü✓'.repeat(20_000)],
  ])('keeps a value: %s', async (_, value) => {
    const [a, b] = stores();
    const key = keyIn(randomId());

    await commitOk(a, { put: key, value, ttl: 60 });

    expect(await readOne(b, key)).toMatchObject({ value });
  });

  it('tells apart ids that look like parts of keys', async () => {
    const [a] = stores();
    const realm = randomId();
    const ids = ['', ':', 'a:b', 'a', 'b', '{a}', '}', '{', '\n', 'a\nb', '*', '\0', `{${realm}}:thing:a`];
    await commitOk(a, ...ids.map((id) => ({ put: keyIn(realm, id), value: `of ${id}`, ttl: 60 })));

    const found = await a.read(ids.map((id) => keyIn(realm, id)));

    expect(found.map((document) => document?.value)).toEqual(ids.map((id) => `of ${id}`));
  });

  it('keeps realms, kinds and uses of a key apart', async () => {
    const [a] = stores();
    const [one, two] = [randomId(), randomId()];
    await commitOk(
      a,
      { put: keyIn(one, 'x', 'k'), value: 'mine', ttl: 60 },
      { index: keyIn(one, 'x', 'k'), member: 'm', ttl: 60 },
    );
    await a.count(keyIn(one, 'x', 'k'), { windowMs: 60_000, by: 3 });
    await commitOk(a, { cut: '', realm: two, ttl: 60 });

    const [mine, otherRealm, otherKind] = await a.read([
      keyIn(one, 'x', 'k'),
      keyIn(two, 'x', 'k'),
      keyIn(one, 'x', 'l'),
    ]);

    expect(mine).toMatchObject({ value: 'mine', cut: false });
    expect([otherRealm, otherKind]).toEqual([undefined, undefined]);
    expect(await a.list(keyIn(two, 'x', 'k'), { limit: 5 })).toEqual({ members: [] });
    expect(await a.count(keyIn(two, 'x', 'k'), { windowMs: 60_000, by: 0 })).toMatchObject({ count: 0 });
  });

  it('replaces a document with everything that belonged to it', async () => {
    const [a] = stores();
    const realm = randomId();
    const key = keyIn(realm);
    await commitOk(a, { put: key, value: 'old', ttl: 60, under: ['n'] });
    await commitOk(a, { spend: key });
    const stamp = await commitOk(a, { put: key, value: 'new', ttl: 60 });
    await commitOk(a, { cut: 'n', realm, ttl: 60 });

    expect(await readOne(a, key)).toEqual({ value: 'new', stamp, cut: false, now: expect.any(Number) });
  });

  it('forgets a document after its time, and only that', async () => {
    const [a, b] = stores();
    const realm = randomId();
    await commitOk(
      a,
      { put: keyIn(realm, 'short'), value: '', ttl: 0.05 },
      { put: keyIn(realm, 'long'), value: '', ttl: 60 },
      { put: keyIn(realm, 'registry'), value: '' },
    );

    await expect.poll(() => readOne(b, keyIn(realm, 'short'))).toBeUndefined();

    expect(await readOne(b, keyIn(realm, 'long'))).toBeDefined();
    expect(await readOne(b, keyIn(realm, 'registry'))).toBeDefined();
    expect(await a.commit([{ spend: keyIn(realm, 'short') }])).toMatchObject({ reason: 'missing' });
    expect(
      await a.commit([{ put: keyIn(realm, 'short'), value: '', ttl: 60, onlyIf: 'absent' }]),
    ).toMatchObject({
      ok: true,
    });
  });

  it('takes a life of nothing for one that is over at once', async () => {
    const [a] = stores();
    const key = keyIn(randomId());

    await commitOk(a, { put: key, value: '', ttl: 0 });

    await expect.poll(() => readOne(a, key)).toBeUndefined();
  });

  it('removes a document, also one that is not there', async () => {
    const [a] = stores();
    const key = keyIn(randomId());
    await commitOk(a, { put: key, value: '', ttl: 60 });

    await commitOk(a, { remove: key });
    await commitOk(a, { remove: key });

    expect(await readOne(a, key)).toBeUndefined();
  });

  it.each<[string, readonly Write[]]>([
    ['no steps', []],
    ['two realms', [{ remove: keyIn('one') }, { remove: keyIn('two') }]],
    ['a colon in a realm', [{ remove: keyIn('a:b') }]],
    ['a colon in a kind', [{ remove: keyIn('a', 'x', 'k:l') }]],
    ['a life that is no number', [{ put: keyIn('a'), value: '', ttl: Number.NaN }]],
    ['a stamp that is no number', [{ put: keyIn('a'), value: '', ttl: 1, since: Number.NaN }]],
    ['a stamp that is not whole', [{ cut: 'n', realm: 'a', ttl: 1, before: 1.5 }]],
    ['a node with a line break', [{ cut: 'a\nb', realm: 'a', ttl: 1 }]],
    [
      '257 nodes',
      [{ put: keyIn('a'), value: '', ttl: 1, under: Array.from({ length: 257 }, (_, i) => `${i}`) }],
    ],
  ])('throws at a commit with %s', async (_, writes) => {
    await expect(stores()[0].commit(writes)).rejects.toThrow(RangeError);
  });
}
