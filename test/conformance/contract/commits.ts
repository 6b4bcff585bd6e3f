/** Commits: conditions, single use, the order of things. */
import { expect, it } from 'vitest';
import { randomId } from '../../../src/base/random.ts';
import { commitOk, keyIn, listen, passed, readOne, type Stores } from './support.ts';

export function conditions(stores: Stores): void {
  it.each([
    ['absent', { ok: true }, { ok: false, step: 0, reason: 'exists' }],
    ['keep', { ok: true }, { ok: true }],
    ['present', { ok: false, step: 0, reason: 'missing' }, { ok: true }],
    [1, { ok: false, step: 0, reason: 'missing' }, { ok: false, step: 0, reason: 'changed' }],
  ] as const)('puts only if %s', async (onlyIf, whenMissing, whenThere) => {
    const [a, b] = stores();
    const realm = randomId();
    await commitOk(a, { put: keyIn(realm, 'there'), value: 'old', ttl: 60 });

    const missing = await b.commit([{ put: keyIn(realm, 'missing'), value: 'new', ttl: 60, onlyIf }]);
    const there = await b.commit([{ put: keyIn(realm, 'there'), value: 'new', ttl: 60, onlyIf }]);

    expect(missing).toMatchObject(whenMissing);
    expect(there).toMatchObject(whenThere);
  });

  it('puts only over the revision that was read', async () => {
    const [a, b] = stores();
    const key = keyIn(randomId());
    const first = await commitOk(a, { put: key, value: '1', ttl: 60 });
    await commitOk(b, { put: key, value: '2', ttl: 60, onlyIf: first });

    const late = await a.commit([{ put: key, value: '3', ttl: 60, onlyIf: first }]);

    expect(late).toEqual({ ok: false, step: 0, reason: 'changed' });
    expect(await readOne(a, key)).toMatchObject({ value: '2' });
  });

  it('keeps what is there untouched and goes on', async () => {
    const [a] = stores();
    const realm = randomId();
    const stamp = await commitOk(a, { put: keyIn(realm), value: 'old', ttl: 60 });

    await commitOk(
      a,
      { put: keyIn(realm), value: 'new', ttl: 60, onlyIf: 'keep' },
      { put: keyIn(realm, 'y'), value: 'and', ttl: 60, onlyIf: 'keep' },
    );

    expect(await a.read([keyIn(realm), keyIn(realm, 'y')])).toMatchObject([
      { value: 'old', stamp },
      { value: 'and' },
    ]);
  });

  it('does nothing at all when one step is refused', async () => {
    const [a] = stores();
    const realm = randomId();
    const [kept, index] = [keyIn(realm, 'kept'), keyIn(realm, 'i')];
    const { heard, stop } = await listen(a, `topic-${realm}`);
    await commitOk(a, { put: kept, value: '', ttl: 60, under: ['n'] }, { index, member: 'first', ttl: 60 });

    const result = await a.commit([
      { put: keyIn(realm, 'new'), value: '', ttl: 60 },
      { remove: kept },
      { cut: 'n', realm, ttl: 60 },
      { close: 'm', realm },
      { index, member: 'second', ttl: 60 },
      { publish: `topic-${realm}`, realm, message: 'refused' },
      { put: kept, value: '', ttl: 60, onlyIf: 'absent' },
      { spend: keyIn(realm, 'missing') },
    ]);

    expect(result).toEqual({ ok: false, step: 6, reason: 'exists' });
    expect(await a.read([kept, keyIn(realm, 'new')])).toMatchObject([{ cut: false }, undefined]);
    expect(await a.list(index, { limit: 9 })).toEqual({ members: ['first'] });
    await commitOk(a, { put: keyIn(realm), value: '', ttl: 60, under: ['m'] });
    await commitOk(a, { publish: `topic-${realm}`, realm, message: 'done' });
    await expect.poll(heard).toEqual([{ realm, message: 'done' }]);
    stop();
  });

  it('judges all conditions on the state before the commit, then applies the steps in order', async () => {
    const [a] = stores();
    const realm = randomId();
    const [spent, twice] = [keyIn(realm, 'spent'), keyIn(realm, 'twice')];
    await commitOk(a, { put: spent, value: 'before', ttl: 60 });

    await commitOk(
      a,
      { spend: spent },
      { put: spent, value: 'after', ttl: 60, onlyIf: 'present' },
      { put: twice, value: '1', ttl: 60, onlyIf: 'absent' },
      { put: twice, value: '2', ttl: 60, onlyIf: 'absent' },
    );
    const tooEarly = await a.commit([
      { put: keyIn(realm, 'new'), value: '', ttl: 60 },
      { spend: keyIn(realm, 'new') },
    ]);

    const [first, second] = await a.read([spent, twice]);
    expect(first).toMatchObject({ value: 'after' });
    expect(first?.spentAt).toBeUndefined();
    expect(second).toMatchObject({ value: '2' });
    expect(tooEarly).toEqual({ ok: false, step: 1, reason: 'missing' });
  });

  it('spends and removes in one commit', async () => {
    const [a] = stores();
    const key = keyIn(randomId());
    await commitOk(a, { put: key, value: '', ttl: 60 });

    await commitOk(a, { remove: key }, { spend: key });

    expect(await readOne(a, key)).toBeUndefined();
  });
}

export function spending(stores: Stores): void {
  it('marks a document as spent and keeps it', async () => {
    const [a, b] = stores();
    const key = keyIn(randomId());
    const stamp = await commitOk(a, { put: key, value: 'v', ttl: 60, under: ['n'] });

    const spentAt = await commitOk(a, { spend: key });

    expect(await readOne(b, key)).toMatchObject({ value: 'v', stamp, spentAt, cut: false });
    expect(await b.commit([{ spend: key }])).toEqual({ ok: false, step: 0, reason: 'spent' });
  });

  it('lets exactly one of 20 callers of two instances win, each time', async () => {
    const [a, b] = stores();
    const realm = randomId();
    for (let round = 0; round < 15; round += 1) {
      const [code, token] = [keyIn(realm, `code${round}`), keyIn(realm, `token${round}`)];
      await commitOk(a, { put: code, value: '', ttl: 60 });

      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? a : b).commit([{ spend: code }, { put: token, value: `${i}`, ttl: 60 }]),
        ),
      );

      const winner = results.findIndex(({ ok }) => ok);
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      expect(await readOne(b, token)).toMatchObject({ value: `${winner}` });
    }
  });

  it('lets a document be spent again for a time after the first use, which stays the first', async () => {
    const [a] = stores();
    const key = keyIn(randomId());
    await commitOk(a, { put: key, value: '', ttl: 60 });
    const spentAt = await commitOk(a, { spend: key });

    const soon = await a.commit([{ spend: key, graceMs: 60_000 }]);
    await passed(a, 0.02);
    const late = await a.commit([{ spend: key, graceMs: 20 }]);

    expect(soon).toMatchObject({ ok: true });
    expect(late).toEqual({ ok: false, step: 0, reason: 'spent' });
    expect(await readOne(a, key)).toMatchObject({ spentAt });
  });

  it('refuses to spend what is missing or dead', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(
      a,
      { put: keyIn(realm, 'cut'), value: '', ttl: 60, under: ['n'] },
      { put: keyIn(realm, 'closed'), value: '', ttl: 60, under: ['m'] },
    );
    await commitOk(a, { cut: 'n', realm, ttl: 60 }, { close: 'm', realm });

    expect(await a.commit([{ spend: keyIn(realm, 'none') }])).toEqual({
      ok: false,
      step: 0,
      reason: 'missing',
    });
    expect(await a.commit([{ spend: keyIn(realm, 'cut') }])).toEqual({ ok: false, step: 0, reason: 'cut' });
    expect(await a.commit([{ spend: keyIn(realm, 'closed') }])).toEqual({
      ok: false,
      step: 0,
      reason: 'cut',
    });
  });

  it('leaves a spent document its life', async () => {
    const [a] = stores();
    const key = keyIn(randomId());
    await commitOk(a, { put: key, value: '', ttl: 0.05 });
    await commitOk(a, { spend: key, graceMs: 1000 });

    await expect.poll(() => readOne(a, key)).toBeUndefined();
  });
}

export function stamps(stores: Stores): void {
  it('gives every commit of a realm a stamp of its own, in order, from whichever instance', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const given: number[] = [];

    for (let i = 0; i < 20; i += 1) {
      given.push(await commitOk(i % 2 ? a : b, { remove: keyIn(realm) }));
      const both = await Promise.all([a, b, a, b].map((store) => commitOk(store, { remove: keyIn(realm) })));
      given.push(...both.sort((x, y) => x - y));
    }

    expect(given).toEqual([...new Set(given)].sort((x, y) => x - y));
  });

  it('reads at a moment after all commits before it and not after any behind it', async () => {
    const [a, b] = stores();
    const key = keyIn(randomId());
    for (let i = 0; i < 50; i += 1) {
      const before = await commitOk(a, { put: key, value: '', ttl: 60 });

      const now = (await readOne(b, key))?.now ?? 0;

      expect(now).toBeGreaterThan(before);
      expect(await commitOk(a, { remove: key })).toBeGreaterThanOrEqual(now);
    }
  });

  it('counts microseconds of the clock', async () => {
    const stamp = await commitOk(stores()[0], { remove: keyIn(randomId()) });

    expect(Math.abs(stamp / 1000 - Date.now())).toBeLessThan(60_000);
  });
}
