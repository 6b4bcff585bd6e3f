import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, createLocalJWKSet, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { createKeyRing, type RealmKeys } from '../../src/keys/key-ring.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { createEventSink } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/port/port.ts';

const DAY = 86_400;
const TOKEN_LIFE = 31 * DAY;
const logger = createLogger('silent');
const sealer = createSealer(Buffer.alloc(32, 1));
const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) {
    await clean();
  }
});

/** One store file that several processes may open, and a clock that all of them read. */
function startWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-keys-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  let nowMs = 1_800_000_000_000;
  const clock = () => nowMs;

  async function openProcess(decorate: (store: Store) => Store = (store) => store) {
    const opened = await openStore(`sqlite:${join(folder, 'keys.db')}`, { clock, logger });
    cleanups.push(() => opened.close());
    const store = decorate(opened);
    const heard: (string | undefined)[] = [];
    const ring = createKeyRing({
      store,
      clock,
      sealer,
      events: createEventSink(logger),
      signedUntil: TOKEN_LIFE,
      onChange: (realm) => heard.push(realm),
    });
    cleanups.push(ring.stop);
    return { ring, store, heard };
  }

  return {
    openProcess,
    wait: (seconds: number) => {
      nowMs += seconds * 1000;
    },
  };
}

function createSignal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}

function kidsOf(keys: RealmKeys): readonly (string | undefined)[] {
  return keys.jwks.map(({ kid }) => kid);
}

async function sign(keys: RealmKeys, alg: string): Promise<string> {
  const jwk: JWK | undefined = keys.jwks.find((key) => key.alg === alg);
  if (jwk?.kid === undefined) {
    throw new Error(`no key for ${alg}`);
  }
  const header = { alg, kid: jwk.kid };
  return new SignJWT({ sub: 'somebody' }).setProtectedHeader(header).sign(await importJWK(jwk));
}

function verifies(token: string, keys: RealmKeys): Promise<boolean> {
  const published = keys.jwks.map(({ d, p, q, dp, dq, qi, ...open }) => open);
  return jwtVerify(token, createLocalJWKSet({ keys: published })).then(
    () => true,
    () => false,
  );
}

describe('keys of a realm', () => {
  it('are made on first use, two for every algorithm asked for, and can sign with each', async () => {
    const { ring } = await startWorld().openProcess();

    const keys = await ring.keysOf('acme', ['ES256', 'RS256', 'PS256', 'EdDSA']);

    expect(keys.jwks.map(({ alg }) => alg)).toEqual(
      ['ES256', 'RS256', 'PS256', 'EdDSA'].flatMap((alg) => [alg, alg]),
    );
    expect(keys.secret).toHaveLength(32);
    for (const jwk of keys.jwks) {
      expect(jwk).toMatchObject({
        use: 'sig',
        kid: await calculateJwkThumbprint(jwk),
        d: expect.any(String),
      });
      expect(await verifies(await sign(keys, jwk.alg ?? ''), keys)).toBe(true);
    }
    expect(Buffer.from(keys.jwks[2]?.n ?? '', 'base64url')).toHaveLength(256);
  });

  it('belong to one realm only', async () => {
    const { ring } = await startWorld().openProcess();

    const [acme, globex] = await Promise.all([
      ring.keysOf('acme', ['ES256']),
      ring.keysOf('globex', ['ES256']),
    ]);

    expect(kidsOf(acme)).not.toEqual(expect.arrayContaining([kidsOf(globex)[0]]));
    expect(acme.secret).not.toEqual(globex.secret);
  });

  it('are the same for all processes that ask for the first time at once', async () => {
    const world = startWorld();
    const processes = await Promise.all(Array.from({ length: 4 }, () => world.openProcess()));

    const answers = await Promise.all(
      processes.flatMap(({ ring }) => [ring.keysOf('acme', ['ES256']), ring.keysOf('acme', ['ES256'])]),
    );

    for (const answer of answers) {
      expect(answer).toEqual(answers[0]);
    }
  });

  it('gain an algorithm that is asked for later and lose none', async () => {
    const { ring } = await startWorld().openProcess();
    const before = await ring.keysOf('acme', ['ES256']);

    const after = await ring.keysOf('acme', ['EdDSA']);

    expect(after.jwks.map(({ alg }) => alg)).toEqual(['ES256', 'ES256', 'EdDSA', 'EdDSA']);
    expect(kidsOf(after)).toEqual(expect.arrayContaining([...kidsOf(before)]));
    expect(after.secret).toEqual(before.secret);
    expect(after.revision).toBeGreaterThan(before.revision);
  });

  it('are at rest only sealed, for their realm and under the master key', async () => {
    const world = startWorld();
    const { ring, store } = await world.openProcess();
    const keys = await ring.keysOf('acme', ['ES256']);
    const [document] = await store.read([{ realm: 'acme', kind: 'keys', id: 'ring' }]);
    const stored = document?.value ?? '';
    await store.commit([{ put: { realm: 'globex', kind: 'keys', id: 'ring' }, value: stored }]);

    expect(sealer.open(stored, 'acme/keys/ring')).toContain(keys.jwks[0]?.d);
    expect(stored).toMatch(/^s1\.[\w-]+$/);
    await expect(ring.keysOf('globex', ['ES256'])).rejects.toThrow('does not open');
  });

  it('survive a cut of the realm but are not made for a closed one', async () => {
    const world = startWorld();
    const { ring, store } = await world.openProcess();
    const before = await ring.keysOf('acme', ['ES256']);
    await store.commit([{ cut: '', realm: 'acme', ttl: 3600 }]);
    await store.commit([{ close: '', realm: 'gone' }]);
    world.wait(60);

    expect(await ring.keysOf('acme', ['ES256'])).toEqual(before);
    await expect(ring.keysOf('gone', ['ES256'])).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('memory', () => {
  /** Removes the keys behind the back of all processes. */
  async function lose(store: Store) {
    await store.commit([{ remove: { realm: 'acme', kind: 'keys', id: 'ring' } }]);
  }

  it('answers without the store for 30 s and no longer', async () => {
    const world = startWorld();
    const { ring, store, heard } = await world.openProcess();
    await ring.keysOf('acme', ['ES256']);
    await expect.poll(() => heard).toEqual(['acme']);
    const first = await ring.keysOf('acme', ['ES256']);
    await lose(store);

    world.wait(29);
    expect(await ring.keysOf('acme', ['ES256'])).toBe(first);
    world.wait(1);
    expect(kidsOf(await ring.keysOf('acme', ['ES256']))).not.toEqual(kidsOf(first));
  });

  it('is dropped when messages may have been missed', async () => {
    let onGap = () => {};
    const { ring, store, heard } = await startWorld().openProcess((real) => ({
      ...real,
      subscribe(topic, listener) {
        onGap = listener.onGap;
        return real.subscribe(topic, listener);
      },
    }));
    await ring.keysOf('acme', ['ES256']);
    await expect.poll(() => heard).toEqual(['acme']);
    const first = await ring.keysOf('acme', ['ES256']);
    await lose(store);

    onGap();

    expect(heard).toEqual(['acme', undefined]);
    expect(kidsOf(await ring.keysOf('acme', ['ES256']))).not.toEqual(kidsOf(first));
  });

  it('asks the store once for many who ask at once', async () => {
    let reads = 0;
    const { ring } = await startWorld().openProcess((real) => ({
      ...real,
      read(keys) {
        reads += 1;
        return real.read(keys);
      },
    }));

    await Promise.all(Array.from({ length: 10 }, () => ring.keysOf('acme', ['ES256'])));

    expect(reads).toBe(1);
  });

  /** A process that asked before a change and has its answer from the store only after `arrive`. */
  async function startSlowAnswer() {
    const world = startWorld();
    const other = await world.openProcess();
    await other.ring.keysOf('acme', ['ES256']);
    const gate = createSignal();
    const wasRead = createSignal();
    const { ring, heard } = await world.openProcess((real) => ({
      ...real,
      async read(keys) {
        const documents = await real.read(keys);
        wasRead.give();
        await gate.given;
        return documents;
      },
    }));
    const early = ring.keysOf('acme', ['ES256']);
    await wasRead.given;
    await other.ring.rotate('acme', { now: true });
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    const newest = await other.ring.keysOf('acme', ['ES256']);
    return { ring, early, arrive: gate.give, newest };
  }

  it('keeps nothing that was read before a change and arrived after it', async () => {
    const { ring, early, arrive, newest } = await startSlowAnswer();

    arrive();
    await early;

    expect(await ring.keysOf('acme', ['ES256'])).toEqual(newest);
  });

  it('hands nothing that was read before a change to who asks after it', async () => {
    const { ring, arrive, newest } = await startSlowAnswer();

    const late = ring.keysOf('acme', ['ES256']);
    arrive();

    expect(await late).toEqual(newest);
  });

  it('shows a rotation at once to who ordered it', async () => {
    const { ring, heard } = await startWorld().openProcess();
    await ring.keysOf('acme', ['ES256']);
    await expect.poll(() => heard).toEqual(['acme']);
    const before = await ring.keysOf('acme', ['ES256']);

    await ring.rotate('acme', { now: true });
    const after = await ring.keysOf('acme', ['ES256']);

    expect(kidsOf(after)[0]).toBe(kidsOf(before)[1]);
  });

  it('follows a rotation in another process', async () => {
    const world = startWorld();
    const [here, there] = await Promise.all([world.openProcess(), world.openProcess()]);
    await here.ring.keysOf('acme', ['ES256']);
    await expect.poll(() => [...here.heard, ...there.heard]).toEqual(['acme', 'acme']);
    await there.ring.keysOf('acme', ['ES256']);

    await here.ring.rotate('acme', { now: true });
    await expect.poll(() => there.heard).toEqual(['acme', 'acme']);

    expect(await there.ring.keysOf('acme', ['ES256'])).toEqual(await here.ring.keysOf('acme', ['ES256']));
  });
});

describe('rotation', () => {
  it('waits for the next key to be known, and then happens to whoever asks', async () => {
    const world = startWorld();
    const { ring } = await world.openProcess();
    const before = await ring.keysOf('acme', ['ES256']);
    const [current, next] = kidsOf(before);
    world.wait(100);

    const report = await ring.rotate('acme');
    world.wait(499);
    const early = await ring.keysOf('acme', ['ES256']);
    world.wait(1);
    const late = await ring.keysOf('acme', ['ES256']);

    expect(report).toEqual({ rotated: [], scheduled: [{ alg: 'ES256', at: 1_800_000_600 }] });
    expect(kidsOf(early)).toEqual([current, next]);
    expect(kidsOf(late)).toEqual([next, expect.any(String), current]);
    expect(late.secret).toEqual(before.secret);
    expect(late.revision).toBeGreaterThan(early.revision);
  });

  it('happens at once when the next key is known, and fails no token while one can be alive', async () => {
    const world = startWorld();
    const { ring } = await world.openProcess();
    const before = await ring.keysOf('acme', ['ES256', 'EdDSA']);
    const tokens = [await sign(before, 'ES256'), await sign(before, 'EdDSA')];
    world.wait(600);

    expect(await ring.rotate('acme')).toEqual({ rotated: ['ES256', 'EdDSA'], scheduled: [] });
    const after = await ring.keysOf('acme', ['ES256']);
    world.wait(TOKEN_LIFE);
    const monthLater = await ring.keysOf('acme', ['ES256']);
    world.wait(60);
    const afterwards = await ring.keysOf('acme', ['ES256']);

    for (const token of tokens) {
      expect(await verifies(token, after)).toBe(true);
      expect(await verifies(token, monthLater)).toBe(true);
      expect(await verifies(token, afterwards)).toBe(false);
    }
    expect(await verifies(await sign(after, 'ES256'), afterwards)).toBe(true);
  });

  it('for leaked keys lets nothing verify that was signed before', async () => {
    const world = startWorld();
    const { ring } = await world.openProcess();
    const first = await sign(await ring.keysOf('acme', ['ES256']), 'ES256');
    world.wait(600);
    await ring.rotate('acme');
    const second = await sign(await ring.keysOf('acme', ['ES256']), 'ES256');

    const report = await ring.rotate('acme', { now: true });
    const after = await ring.keysOf('acme', ['ES256']);

    expect(report).toEqual({ rotated: ['ES256'], scheduled: [] });
    expect(after.jwks).toHaveLength(2);
    expect(await Promise.all([first, second].map((token) => verifies(token, after)))).toEqual([false, false]);
    expect(await verifies(await sign(after, 'ES256'), after)).toBe(true);
  });

  it('happens by itself after 90 days, once however many processes notice', async () => {
    const world = startWorld();
    const processes = await Promise.all(Array.from({ length: 4 }, () => world.openProcess()));
    const [before] = await Promise.all(processes.map(({ ring }) => ring.keysOf('acme', ['ES256'])));
    const [current, next] = before ? kidsOf(before) : [];
    world.wait(90 * DAY);

    const answers = await Promise.all(processes.map(({ ring }) => ring.keysOf('acme', ['ES256'])));

    expect(answers.map(kidsOf)).toEqual(answers.map(() => [next, expect.any(String), current]));
    expect(new Set(answers.map(({ revision }) => revision)).size).toBe(1);
  });
});
