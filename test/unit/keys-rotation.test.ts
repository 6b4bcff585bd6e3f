import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  algsOf,
  jwksOf,
  type PrivateKey,
  type Ring,
  type SigningAlg,
  signerOf,
} from '../../src/keys/ring.ts';
import { fill, hasten, missing, nextChange, replace, reportOf, settle } from '../../src/keys/rotation.ts';

const TOKEN_LIFE = 3600;
const DAY = 86_400;
const empty: Ring = { version: 1, secret: 'secret', keys: [] };

let made = 0;
function fakeKey(alg: SigningAlg): PrivateKey {
  made += 1;
  return { kty: 'OKP', crv: 'Ed25519', kid: `key-${made}`, alg, use: 'sig', x: 'x', d: 'd' };
}

/** What a process does that asks for the keys of these algorithms. */
function ask(ring: Ring, algs: readonly SigningAlg[], now: number): Ring {
  const settled = settle(ring, now, TOKEN_LIFE);
  return fill(settled, missing(settled, [...algs, ...algsOf(ring)]).map(fakeKey), now);
}

type Kid = string | undefined;

function kidsIn(ring: Ring): readonly Kid[] {
  return jwksOf(ring).map(({ kid }) => kid);
}

/** The signer of every algorithm that the ring has keys for. */
function signersIn(ring: Ring, algs = algsOf(ring)): readonly Kid[] {
  return algs.map((alg) => signerOf(ring, alg)?.kid);
}

const step = fc.record({
  wait: fc.oneof(fc.nat(1500), fc.nat(2 * TOKEN_LIFE), fc.nat(100 * DAY)),
  action: fc.constantFrom('ask', 'ask for another', 'rotate'),
});
const steps = fc.array(step, { maxLength: 30 });

type Moment = { readonly before: Ring; readonly ring: Ring; readonly now: number; readonly action: string };

/** A life in which the keys are asked for and rotated at arbitrary moments: each ring, and the one before it. */
function lifeOf(taken: readonly { wait: number; action: string }[]): readonly Moment[] {
  let now = 1_000_000;
  let ring = ask(empty, ['ES256'], now);
  const life: Moment[] = [{ before: empty, ring, now, action: 'ask' }];
  for (const { wait, action } of taken) {
    now += wait;
    const before = ring;
    ring = action === 'rotate' ? hasten(ring, now) : ring;
    ring = ask(ring, action === 'ask for another' ? ['RS256'] : [], now);
    life.push({ before, ring, now, action });
  }
  return life;
}

describe('the keys of a realm, whenever they are asked for or rotated', () => {
  it('are exactly one that signs and one that will, for every algorithm ever used', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        for (const { before, ring } of lifeOf(taken)) {
          expect(algsOf(ring)).toEqual(expect.arrayContaining([...algsOf(before)]));
          for (const alg of algsOf(ring)) {
            const states = ring.keys.filter(({ jwk }) => jwk.alg === alg).map(({ state }) => state);
            expect(states.filter((state) => state !== 'retired').sort()).toEqual(['current', 'next']);
          }
        }
      }),
    );
  });

  it('were published for 600 s before they sign, but for the first of an algorithm', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const publishedAt = new Map<Kid, number>();
        for (const { before, ring, now } of lifeOf(taken)) {
          const signedBefore = signersIn(before);
          const took = signersIn(ring, algsOf(before)).filter((kid) => !signedBefore.includes(kid));
          expect(took.filter((kid) => now - (publishedAt.get(kid) ?? now) < 600)).toEqual([]);
          for (const kid of kidsIn(ring)) {
            publishedAt.set(kid, publishedAt.get(kid) ?? now);
          }
        }
      }),
    );
  });

  it('stay published until the last token signed with them is dead, and not for ever', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const signedAt = new Map<Kid, number>();
        for (const { before, ring, now } of lifeOf(taken)) {
          for (const kid of signersIn(before)) {
            signedAt.set(kid, now);
          }
          const alive = [...signedAt].filter(([, at]) => at + TOKEN_LIFE > now).map(([kid]) => kid);
          expect(kidsIn(ring)).toEqual(expect.arrayContaining(alive));
          expect(kidsIn(ring).length).toBeLessThanOrEqual(alive.length + 2 * algsOf(ring).length);
        }
      }),
    );
  });

  it('never sign for longer than 90 days', () => {
    fc.assert(
      fc.property(steps, fc.nat(10 * DAY), (taken, more) => {
        for (const { ring, now } of lifeOf(taken)) {
          const later = signersIn(ask(ring, [], now + 90 * DAY + more));
          expect(signersIn(ring).filter((kid) => later.includes(kid))).toEqual([]);
        }
      }),
    );
  });

  it('never sign for longer than 600 s after a rotation was asked for', () => {
    fc.assert(
      fc.property(steps, fc.nat(10 * DAY), (taken, more) => {
        for (const { before, ring, now } of lifeOf(taken).filter(({ action }) => action === 'rotate')) {
          const later = signersIn(ask(ring, [], now + 600 + more));
          expect(signersIn(before).filter((kid) => later.includes(kid))).toEqual([]);
        }
      }),
    );
  });

  it('do not change before the announced moment, and do then', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        for (const { ring } of lifeOf(taken)) {
          const at = nextChange(ring, TOKEN_LIFE);
          expect(settle(ring, at - 1, TOKEN_LIFE)).toBe(ring);
          expect(settle(ring, at, TOKEN_LIFE)).not.toBe(ring);
        }
      }),
    );
  });
});

describe('a rotation', () => {
  const start = 1_000_000;
  const ring = ask(empty, ['ES256', 'EdDSA'], start);
  const [current, next] = kidsIn(ring);

  it('waits until the next key has been published for 600 s', () => {
    const hastened = ask(hasten(ring, start + 100), [], start + 100);

    expect(reportOf(ring, hastened)).toEqual({
      rotated: [],
      scheduled: [
        { alg: 'ES256', at: start + 600 },
        { alg: 'EdDSA', at: start + 600 },
      ],
    });
    expect(hasten(hastened, start + 200)).toBe(hastened);
    expect(signerOf(ask(hastened, [], start + 599), 'ES256')?.kid).toBe(current);
    expect(signerOf(ask(hastened, [], start + 600), 'ES256')?.kid).toBe(next);
  });

  it('happens at once when the next key has been published for long', () => {
    const rotated = ask(hasten(ring, start + 600), [], start + 600);

    expect(reportOf(ring, rotated)).toEqual({ rotated: ['ES256', 'EdDSA'], scheduled: [] });
    expect(kidsIn(rotated).slice(0, 3)).toEqual([next, expect.any(String), current]);
  });

  it('in an emergency drops all that signed and lets the next sign at once', () => {
    const rotated = ask(hasten(ring, start + 600), [], start + 600);
    const [successor, afterIt] = kidsIn(rotated);

    const replaced = ask(replace(rotated, start + 700), ['ES256'], start + 700);

    expect(kidsIn(replaced).slice(0, 2)).toEqual([afterIt, expect.any(String)]);
    expect(kidsIn(replaced)).toHaveLength(4);
    expect(kidsIn(replaced)).not.toEqual(expect.arrayContaining([current]));
    expect(kidsIn(replaced)).not.toEqual(expect.arrayContaining([successor]));
  });
});
