/** Nodes: what cutting, closing and opening them does to what hangs below. */
import { expect, it } from 'vitest';
import { randomId } from '../../../src/base/random.ts';
import type { Write } from '../../../src/storage/port/port.ts';
import { commitOk, keyIn, passed, readOne, type Stores } from './support.ts';

export function cuts(stores: Stores): void {
  it('kills what was written under a node before, nothing else, and not what comes after', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const [one, two, other] = [keyIn(realm, '1'), keyIn(realm, '2'), keyIn(realm, '3')];
    await commitOk(
      a,
      { put: one, value: '', ttl: 60, under: ['user:1', 'session:1'] },
      { put: other, value: '', ttl: 60, under: ['user:2', 'session:12'] },
    );

    await commitOk(b, { cut: 'session:1', realm, ttl: 60 });
    await commitOk(a, { put: two, value: '', ttl: 60, under: ['user:1', 'session:1'] });

    expect(await b.read([one, two, other])).toMatchObject([{ cut: true }, { cut: false }, { cut: false }]);
  });

  it('guards a commit against a node that was cut or closed since, and against no other', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const key = keyIn(realm);
    await commitOk(a, { put: key, value: 'before', ttl: 60 });
    const now = (await readOne(a, key))?.now ?? 0;
    const guarded = (since: number): readonly Write[] => [
      { put: key, value: 'after', ttl: 60 },
      { guard: 'client', realm, since },
    ];

    await commitOk(b, { cut: '', realm, ttl: 60 }, { cut: 'other', realm, ttl: 60 });
    await commitOk(a, ...guarded(now));
    await commitOk(b, { cut: 'client', realm, ttl: 60 });

    expect(await a.commit(guarded(now))).toEqual({ ok: false, step: 1, reason: 'cut' });
    expect(await readOne(a, key)).toMatchObject({ value: 'after' });
    const later = (await readOne(b, key))?.now ?? 0;
    await commitOk(a, ...guarded(later));
    await commitOk(b, { close: 'client', realm, ttl: 60 });
    expect(await a.commit(guarded(later + 1_000_000))).toMatchObject({ ok: false, reason: 'closed' });
  });

  it('takes every document for one under the realm itself', async () => {
    const [a, b] = stores();
    const realm = randomId();
    await commitOk(
      a,
      { put: keyIn(realm, '1'), value: '', ttl: 60 },
      { put: keyIn(realm, '2'), value: '', ttl: 60, under: ['', 'n'] },
    );

    await commitOk(b, { cut: '', realm, ttl: 60 });
    await commitOk(a, { put: keyIn(realm, '3'), value: '', ttl: 60, under: ['n'] });

    expect(await a.read(['1', '2', '3'].map((id) => keyIn(realm, id)))).toMatchObject([
      { cut: true },
      { cut: true },
      { cut: false },
    ]);
  });

  it('orders cuts and documents however fast they follow each other', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const key = keyIn(realm);
    const put: Write = { put: key, value: '', ttl: 60, under: ['n'] };
    for (let i = 0; i < 100; i += 1) {
      await commitOk(a, put);
      await commitOk(b, { cut: 'n', realm, ttl: 60 });
      expect(await readOne(a, key)).toMatchObject({ cut: true });
      await commitOk(b, put);
      expect(await readOne(a, key)).toMatchObject({ cut: false });
    }
  });

  it('takes a commit for one moment: its cut spares its own documents', async () => {
    const [a] = stores();
    const realm = randomId();

    await commitOk(
      a,
      { put: keyIn(realm, '1'), value: '', ttl: 60, under: ['n'] },
      { cut: 'n', realm, ttl: 60 },
      { put: keyIn(realm, '2'), value: '', ttl: 60, under: ['n'] },
    );

    expect(await a.read([keyIn(realm, '1'), keyIn(realm, '2')])).toMatchObject([
      { cut: false },
      { cut: false },
    ]);
  });

  it('kills only what is older than the stamp of a cut, and never moves a cut back', async () => {
    const [a] = stores();
    const realm = randomId();
    const [one, two, three] = [keyIn(realm, '1'), keyIn(realm, '2'), keyIn(realm, '3')];
    const first = await commitOk(a, { put: one, value: '', ttl: 60, under: ['n'] });
    const second = await commitOk(a, { put: two, value: '', ttl: 60, under: ['n'] });

    await commitOk(a, { cut: 'n', realm, ttl: 60, before: second });
    await commitOk(a, { cut: 'n', realm, ttl: 60, before: first });

    expect(await a.read([one, two])).toMatchObject([{ cut: true }, { cut: false }]);
    await commitOk(a, { cut: 'n', realm, ttl: 60, before: second * 2 });
    await commitOk(a, { put: three, value: '', ttl: 60, under: ['n'] });
    expect(await a.read([two, three])).toMatchObject([{ cut: true }, { cut: false }]);
  });

  it('remembers a cut for its time, which another cut may only prolong', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(
      a,
      { put: keyIn(realm, 'short'), value: '', ttl: 60, under: ['short'] },
      { put: keyIn(realm, 'long'), value: '', ttl: 60, under: ['long'] },
    );
    await commitOk(a, { cut: 'long', realm, ttl: 60 }, { cut: 'short', realm, ttl: 0.02 });
    await commitOk(a, { cut: 'long', realm, ttl: 0.02 });

    await passed(a, 0.03);

    expect(await a.read([keyIn(realm, 'short'), keyIn(realm, 'long')])).toMatchObject([
      { cut: false },
      { cut: true },
    ]);
  });

  it('finds a cut among 256 nodes', async () => {
    const [a, b] = stores();
    const realm = randomId();
    const under = Array.from({ length: 256 }, (_, i) => `node:${i}`);
    await commitOk(a, { put: keyIn(realm), value: 'v', ttl: 60, under });

    await commitOk(a, { cut: 'node:255', realm, ttl: 60 });

    expect(await readOne(b, keyIn(realm))).toMatchObject({ value: 'v', cut: true });
  });
}

export function closing(stores: Stores): void {
  const under = (realm: string, id: string): Write => ({
    put: keyIn(realm, id),
    value: '',
    ttl: 60,
    under: ['other', 'n'],
  });

  it('lets nothing live under a closed node, before or after', async () => {
    const [a, b] = stores();
    const realm = randomId();
    await commitOk(a, under(realm, 'before'));

    await commitOk(b, { close: 'n', realm });

    expect(await readOne(a, keyIn(realm, 'before'))).toMatchObject({ cut: true });
    expect(await a.commit([{ remove: keyIn(realm) }, under(realm, 'after')])).toEqual({
      ok: false,
      step: 1,
      reason: 'closed',
    });
  });

  it('refuses everything in a closed realm and nothing in another', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(a, { close: '', realm });

    expect(await a.commit([{ put: keyIn(realm), value: '', ttl: 60 }])).toMatchObject({ reason: 'closed' });
    await commitOk(a, { put: keyIn(randomId()), value: '', ttl: 60 });
  });

  it('opens a node: what was before stays dead, what comes lives', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(a, under(realm, 'before'));
    await commitOk(a, { close: 'n', realm });

    await commitOk(a, { open: 'n', realm, ttl: 60 });
    await commitOk(a, under(realm, 'after'));

    expect(await a.read([keyIn(realm, 'before'), keyIn(realm, 'after')])).toMatchObject([
      { cut: true },
      { cut: false },
    ]);
  });

  it('harms nothing when it opens a node that is open', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(a, under(realm, 'x'));

    await commitOk(a, { open: 'n', realm, ttl: 60 });

    expect(await readOne(a, keyIn(realm))).toMatchObject({ cut: false });
  });

  it('keeps a node closed for its time, which another closing may only prolong', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(a, { close: 'short', realm, ttl: 0.02 }, { close: 'n', realm });
    await commitOk(a, { close: 'n', realm, ttl: 0.02 }, { cut: 'n', realm, ttl: 0.02 });

    await passed(a, 0.03);

    await commitOk(a, { put: keyIn(realm), value: '', ttl: 60, under: ['short'] });
    expect(await a.commit([under(realm, 'y')])).toMatchObject({ reason: 'closed' });
  });

  it('keeps a cut through a closing that has ended', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(a, under(realm, 'x'));
    await commitOk(a, { cut: 'n', realm, ttl: 60 });
    await commitOk(a, { close: 'n', realm, ttl: 0.02 });

    await passed(a, 0.03);

    await commitOk(a, under(realm, 'after'));
    expect(await a.read([keyIn(realm), keyIn(realm, 'after')])).toMatchObject([
      { cut: true },
      { cut: false },
    ]);
  });
}

export function sinceOf(stores: Stores): void {
  const putSince = (realm: string, since: number): Write => ({
    put: keyIn(realm, 'child'),
    value: '',
    ttl: 60,
    under: ['n'],
    since,
  });

  it.each(['n', ''])('refuses what was decided before node "%s" was cut', async (node) => {
    const [a, b] = stores();
    const realm = randomId();
    await commitOk(a, { put: keyIn(realm), value: '', ttl: 60, under: ['n'] });
    for (let i = 0; i < 20; i += 1) {
      const now = (await readOne(a, keyIn(realm)))?.now ?? 0;
      await commitOk(b, { cut: node, realm, ttl: 60 });

      expect(await a.commit([putSince(realm, now)])).toEqual({ ok: false, step: 0, reason: 'cut' });
    }
  });

  it('accepts what was decided after the cut', async () => {
    const [a, b] = stores();
    const realm = randomId();
    await commitOk(a, { put: keyIn(realm), value: '', ttl: 60 });
    for (let i = 0; i < 20; i += 1) {
      await commitOk(b, { cut: 'n', realm, ttl: 60 }, { cut: 'elsewhere', realm, ttl: 60 });
      const now = (await readOne(a, keyIn(realm)))?.now ?? 0;
      await commitOk(b, { cut: 'elsewhere', realm, ttl: 60 });

      expect(await a.commit([putSince(realm, now)])).toMatchObject({ ok: true });
    }
  });

  it('refuses at the very stamp of the cut and accepts behind it', async () => {
    const [a] = stores();
    const realm = randomId();

    const stamp = await commitOk(a, { cut: 'n', realm, ttl: 60 });

    expect(await a.commit([putSince(realm, stamp)])).toMatchObject({ reason: 'cut' });
    expect(await a.commit([putSince(realm, stamp + 1)])).toMatchObject({ ok: true });
  });

  it('counts when a cut was made, not how far back it reaches', async () => {
    const [a] = stores();
    const realm = randomId();
    const stamp = await commitOk(a, { put: keyIn(realm), value: '', ttl: 60, under: ['n'] });
    const now = (await readOne(a, keyIn(realm)))?.now ?? 0;

    await commitOk(a, { cut: 'n', realm, ttl: 60, before: stamp });

    expect(await a.commit([putSince(realm, now)])).toMatchObject({ reason: 'cut' });
  });

  it('refuses what was decided before a node was closed and opened', async () => {
    const [a] = stores();
    const realm = randomId();
    await commitOk(a, { put: keyIn(realm), value: '', ttl: 60 });
    const now = (await readOne(a, keyIn(realm)))?.now ?? 0;
    await commitOk(a, { close: 'n', realm });
    await commitOk(a, { open: 'n', realm, ttl: 60 });

    expect(await a.commit([putSince(realm, now)])).toMatchObject({ reason: 'cut' });
  });
}
