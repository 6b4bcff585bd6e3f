/** Indexes, counters, messages. */
import { expect, it } from 'vitest';
import { randomId } from '../../../src/base/random.ts';
import { commitOk, keyIn, listen, passed, type Stores } from './support.ts';

export function indexes(stores: Stores): void {
  it('lists members in the order in which they leave', async () => {
    const [a, b] = stores();
    const index = keyIn(randomId());
    await commitOk(
      a,
      { index, member: 'never' },
      { index, member: 'late', ttl: 90 },
      { index, member: 'b', ttl: 60 },
      { index, member: 'a', ttl: 60 },
    );

    expect(await b.list(index, { limit: 9 })).toEqual({ members: ['a', 'b', 'late', 'never'] });
  });

  it('renews a member and takes members away', async () => {
    const [a] = stores();
    const index = keyIn(randomId());
    await commitOk(
      a,
      { index, member: 'a', ttl: 60 },
      { index, member: 'b', ttl: 70 },
      { index, member: 'c', ttl: 80 },
    );

    await commitOk(
      a,
      { index, member: 'a', ttl: 90 },
      { unindex: index, member: 'b' },
      { unindex: index, member: 'not there' },
    );

    expect(await a.list(index, { limit: 9 })).toEqual({ members: ['c', 'a'] });
  });

  it('lets a member leave after its time', async () => {
    const [a] = stores();
    const index = keyIn(randomId());
    await commitOk(a, { index, member: 'short', ttl: 0.02 }, { index, member: 'long', ttl: 60 });

    await expect.poll(() => a.list(index, { limit: 9 })).toEqual({ members: ['long'] });

    await commitOk(a, { unindex: index, member: 'long' });
    expect(await a.list(index, { limit: 9 })).toEqual({ members: [] });
  });

  it.each([60, undefined])('shows every member once, page by page (ttl %s)', async (ttl) => {
    const [a] = stores();
    const index = keyIn(randomId());
    const members = Array.from({ length: 250 }, (_, i) => `${i % 7}:ü\0${i}`);
    await commitOk(a, ...members.map((member) => ({ index, member, ...(ttl && { ttl }) })));

    const pages: string[][] = [];
    for (let after: string | undefined; pages.length === 0 || after; ) {
      const page = await a.list(index, { limit: 37, ...(after && { after }) });
      pages.push([...page.members]);
      after = page.next;
    }

    expect(pages.map((page) => page.length)).toEqual([37, 37, 37, 37, 37, 37, 28]);
    expect(pages.flat().sort()).toEqual(members.sort());
  });

  it.each([60, undefined])('loses its place to no removal between pages (ttl %s)', async (ttl) => {
    const [a, b] = stores();
    const index = keyIn(randomId());
    const members = ['a', 'b', 'c', 'd', 'e', 'f'];
    await commitOk(a, ...members.map((member) => ({ index, member, ...(ttl && { ttl }) })));
    const first = await a.list(index, { limit: 3 });
    await commitOk(
      b,
      { unindex: index, member: 'a' },
      { unindex: index, member: 'c' },
      { unindex: index, member: 'd' },
      { index, member: 'b', ttl: 120 },
    );

    const second = await a.list(index, { limit: 2, after: first.next ?? '' });

    expect(first.members).toEqual(['a', 'b', 'c']);
    expect(second.members).toEqual(['e', 'f']);
  });

  it('finds the members that begin with a text, page by page', async () => {
    const [a] = stores();
    const index = keyIn(randomId());
    const members = ['anna', 'ann', 'an', 'ä', 'äa', 'bob', 'a', 'ann b', 'Ann', 'ann\u{10ffff}'];
    await commitOk(a, ...members.map((member) => ({ index, member })));

    const found: string[] = [];
    for (let page = await a.list(index, { limit: 2, prefix: 'ann' }); ; ) {
      found.push(...page.members);
      if (page.next === undefined) break;
      page = await a.list(index, { limit: 2, prefix: 'ann', after: page.next });
    }

    expect(found).toEqual(['ann', 'ann b', 'anna', 'ann\u{10ffff}']);
    expect(await a.list(index, { limit: 9, prefix: 'ä' })).toEqual({ members: ['ä', 'äa'] });
    expect(await a.list(index, { limit: 9, prefix: 'c' })).toEqual({ members: [] });
    expect(await a.list(index, { limit: 99, prefix: '' })).toEqual(await a.list(index, { limit: 99 }));
  });

  it('gives no cursor with the last page', async () => {
    const [a] = stores();
    const index = keyIn(randomId());
    await commitOk(a, { index, member: 'a', ttl: 60 }, { index, member: 'b', ttl: 60 });

    expect(await a.list(index, { limit: 2 })).toEqual({ members: ['a', 'b'] });
  });

  it.each([0, 1001, 1.5])('throws at a limit of %s', async (limit) => {
    await expect(stores()[0].list(keyIn('r'), { limit })).rejects.toThrow(RangeError);
  });
}

export function counters(stores: Stores): void {
  it('counts together what is counted at once', async () => {
    const [a, b] = stores();
    const key = keyIn(randomId());

    const counts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).count(key, { windowMs: 60_000, by: 2 })),
    );

    expect(counts.map(({ count }) => count).sort((x, y) => x - y)).toEqual(
      Array.from({ length: 20 }, (_, i) => 2 * i + 2),
    );
  });

  it('begins again a window after the first count, not the last', async () => {
    const [a] = stores();
    const key = keyIn(randomId());
    const first = await a.count(key, { windowMs: 60_000, by: 1 });
    await passed(a, 0.01);

    const second = await a.count(key, { windowMs: 120_000, by: 1 });

    expect(second.resetsInMs).toBeGreaterThan(0);
    expect(second.resetsInMs).toBeLessThan(first.resetsInMs);
    const short = keyIn(randomId());
    await a.count(short, { windowMs: 20, by: 5 });
    await expect.poll(() => a.count(short, { windowMs: 60_000, by: 0 })).toEqual({ count: 0, resetsInMs: 0 });
    expect(await a.count(short, { windowMs: 60_000, by: 1 })).toMatchObject({ count: 1 });
  });

  it('only reads when nothing is added', async () => {
    const [a, b] = stores();
    const key = keyIn(randomId());
    await a.count(key, { windowMs: 60_000, by: 3 });

    expect(await b.count(key, { windowMs: 60_000, by: 0 })).toMatchObject({ count: 3 });
    expect(await b.count(key, { windowMs: 60_000, by: 0 })).toMatchObject({ count: 3 });
  });

  it('counts in a commit up to a limit, with the other steps or not at all', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const [wide, narrow, other] = [keyIn(realm, 'wide'), keyIn(realm, 'narrow'), keyIn(realm, 'other')];
    const one = [
      { count: wide, windowMs: 60_000, most: 100 },
      { put: other, value: 'x', ttl: 60 },
      { count: narrow, windowMs: 60_000, most: 7 },
    ] as const;

    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).commit(one)));

    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(7);
    expect(outcomes.find(({ ok }) => !ok)).toEqual({ ok: false, step: 2, reason: 'exhausted' });
    for (const key of [wide, narrow]) {
      expect(await a.count(key, { windowMs: 1, by: 0 })).toMatchObject({ count: 7 });
    }
  });

  it('begins again a window after the first count in a commit', async () => {
    const [a, b] = stores();
    const count = keyIn(randomId());
    const one = { count, windowMs: 20, most: 1 };
    expect((await a.commit([one])).ok).toBe(true);

    await expect.poll(() => b.count(count, { windowMs: 60_000, by: 0 })).toEqual({ count: 0, resetsInMs: 0 });

    expect((await a.commit([one])).ok).toBe(true);
  });

  it.each([
    [0, 1],
    [1.5, 1],
    [1000, Number.NaN],
  ])('throws at a window of %s and a step of %s', async (windowMs, by) => {
    await expect(stores()[0].count(keyIn('r'), { windowMs, by })).rejects.toThrow(RangeError);
    await expect(stores()[0].commit([{ count: keyIn('r'), windowMs, most: by }])).rejects.toThrow(RangeError);
  });
}

export function messages(stores: Stores): void {
  it('hears what any instance publishes on the topic, in order, and nothing else', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const [here, there] = [await listen(a, `t-${realm}`), await listen(b, `t-${realm}`)];
    const expected = ['1', '2', 'ü:\0{}\n', ''].map((message) => ({ realm, message }));

    await commitOk(a, { publish: `t-${realm}`, realm, message: '1' });
    await commitOk(
      a,
      { publish: `other-${realm}`, realm, message: 'not this' },
      { publish: `t-${realm}`, realm, message: '2' },
      { publish: `t-${realm}`, realm, message: 'ü:\0{}\n' },
      { publish: `t-${realm}`, realm, message: '' },
    );

    await expect.poll(here.heard).toEqual(expected);
    await expect.poll(there.heard).toEqual(expected);
    here.stop();
    there.stop();
  });

  it('stops to hear when asked, and lets others hear on', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const [first, second] = [await listen(a, `t-${realm}`), await listen(a, `t-${realm}`)];

    first.stop();
    first.stop();
    await commitOk(b, { publish: `t-${realm}`, realm, message: 'm' });

    await expect.poll(second.heard).toEqual([{ realm, message: 'm' }]);
    expect(first.heard()).toEqual([]);
    second.stop();
  });
}
