import { createHook } from 'node:async_hooks';
import { hash as bcrypt } from 'bcrypt';
import { describe, expect, it } from 'vitest';
import { createWorkQueue } from '../../src/base/work-queue.ts';
import { type PasswordPolicy, passwordPolicy } from '../../src/registry/model/model.ts';
import { isBreached } from '../../src/registry/passwords/breached.ts';
import { createPasswordQueue, createPasswords } from '../../src/registry/passwords/passwords.ts';

const passwords = createPasswords({ queue: createPasswordQueue() });

/** How many Argon2 derivations the runtime starts during `act`. */
async function derivationsDuring(act: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init(_id, type) {
      count += type === 'ARGON2REQUEST' ? 1 : 0;
    },
  }).enable();
  await act();
  hook.disable();
  return count;
}

/** RFC 7914 §11: PBKDF2-HMAC-SHA-256 of "Password" and "NaCl", 80,000 iterations, 64 bytes. */
const sha256Tag = 'TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ==';

describe('hash and verify', () => {
  it('makes an Argon2id string at the documented cost that only the same password matches', async () => {
    const stored = await passwords.hash('correct horse');

    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await passwords.verify('correct horse', stored)).toEqual({ matches: true, outdated: false });
    expect(await passwords.verify('correct horsf', stored)).toEqual({ matches: false, outdated: false });
  });

  it('salts: one password never gives one hash twice', async () => {
    expect(await passwords.hash('correct horse')).not.toBe(await passwords.hash('correct horse'));
  });

  it('takes a password for the same however it was composed', async () => {
    const stored = await passwords.hash('Zoe\u0308 \ufb01ne');

    expect(await passwords.verify('Zo\u00eb fine', stored)).toEqual({ matches: true, outdated: false });
  });

  it('matches an imported hash of what was typed although it is not normalised', async () => {
    const stored = await bcrypt('Zoe\u0308', 4);

    expect(await passwords.verify('Zoe\u0308', stored)).toEqual({ matches: true, outdated: true });
    expect(await passwords.verify('Zo\u00eb', stored)).toEqual({ matches: false, outdated: false });
  });

  it('refuses a password of more than 1,024 characters, with the work of any other', async () => {
    const longest = '\u{1F511}'.repeat(1024);
    const stored = await passwords.hash(longest);

    expect(await passwords.verify(longest, stored)).toEqual({ matches: true, outdated: false });
    await expect(passwords.hash(`${longest}x`)).rejects.toMatchObject({ code: 'invalid_input' });
    const derivations = await derivationsDuring(async () => {
      expect(await passwords.verify(`${longest}x`, stored)).toEqual({ matches: false, outdated: false });
    });
    expect(derivations).toBe(1);
  });

  it('does the same work for an unknown user as for a wrong password, normalised or not', async () => {
    const stored = await passwords.hash('correct horse');

    for (const [typed, work] of [
      ['wrong horse', 1],
      ['Zoe\u0308', 2],
    ] as const) {
      expect(await derivationsDuring(() => passwords.verify(typed, stored))).toBe(work);
      expect(await derivationsDuring(() => passwords.verify(typed, undefined))).toBe(work);
    }
  });

  it('adds that work to a wrong password for an imported hash', async () => {
    const stored = await bcrypt('correct horse', 4);

    expect(await derivationsDuring(() => passwords.verify('wrong horse', stored))).toBe(1);
  });

  it('lets everything else go on while an imported hash is being compared', async () => {
    const stored = await bcrypt('correct horse', 12);
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);

    const verdict = await passwords.verify('correct horse', stored);
    isDone = true;

    expect(verdict).toEqual({ matches: true, outdated: true });
    expect(turns).toBeGreaterThan(100);
  });

  it.each([
    ['no hash', undefined],
    ['an empty hash', ''],
    ['the password itself', 'correct horse'],
    [
      'an unknown form',
      '$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'too little memory',
      '$argon2id$v=19$m=4,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'too much memory',
      '$argon2id$v=19$m=999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'too many passes',
      '$argon2id$v=19$m=65536,t=99,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    ['a tag that is too short', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTE'],
    ['too few iterations', `$pbkdf2-sha256$i=1$TmFDbA==$${sha256Tag}`],
    ['an expensive bcrypt', '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['a trailing line', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n'],
  ])('says no to %s, after the usual work', async (_name, stored) => {
    const derivations = await derivationsDuring(async () => {
      expect(await passwords.verify('correct horse', stored)).toEqual({ matches: false, outdated: false });
    });

    expect(derivations).toBe(1);
  });

  it('answers busy instead of piling up', async () => {
    const small = createPasswords({
      queue: createWorkQueue({ concurrency: 1, maxWaiting: 0, maxWaitMs: 60_000 }),
    });

    const outcomes = await Promise.allSettled([small.hash('first one'), small.verify('second', undefined)]);

    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'busy' } },
    ]);
  });
});

/** Known answers: the reference implementation's own test, RFC 7914 §11, and well-known vectors of the others. */
describe('imported hashes', () => {
  it.each([
    [
      'Argon2id at another cost',
      'password',
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    ['PBKDF2 with SHA-256', 'Password', `$pbkdf2-sha256$i=80000$TmFDbA==$${sha256Tag}`],
    [
      'PBKDF2 in modular crypt form',
      'Password',
      `$pbkdf2-sha256$80000$TmFDbA$${sha256Tag.replaceAll('+', '.')}`,
    ],
    [
      'PBKDF2 with SHA-512',
      'password',
      '$pbkdf2-sha512$i=4096$c2FsdA$0Zexsz2wFD4BixLz0dFHnmzevcyXxcD4f2kC4HL0V7UUPzBgJkGz1VzTNZiMs2uEN2Bg7NUy4Dm3QqI5Q0ry1Q',
    ],
    ['bcrypt 2a', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['bcrypt 2b', 'U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['bcrypt 2y', 'U*U', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ])('verifies %s and asks for its upgrade', async (_name, password, stored) => {
    expect(await passwords.verify(password, stored)).toEqual({ matches: true, outdated: true });
    expect(await passwords.verify(`${password}?`, stored)).toEqual({ matches: false, outdated: false });
  });
});

describe('check', () => {
  const policy = passwordPolicy.parse({ minLength: 10, maxLength: 64 });
  const about = { username: 'george.becker', email: 'george@example.test' };

  it.each([
    ['correct horse', []],
    ['🔑🔑🔑🔑🔑🔑🔑🔑🔑', ['too_short']],
    ['🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑', []],
    ['x'.repeat(64), []],
    ['x'.repeat(65), ['too_long']],
    ['x'.repeat(1025), ['too_long']],
    ['George.Becker', ['is_username']],
    ['george@EXAMPLE.test', ['is_email']],
    ['Password123', ['breached']],
    ['12345678', ['too_short', 'breached']],
  ])('finds in %s exactly %j', async (password, faults) => {
    expect(await passwords.check(password, policy, about)).toEqual(faults);
  });

  it('asks the list of the operator as well', async () => {
    const withList = createPasswords({
      queue: createPasswordQueue(),
      breached: async (password) => password === 'on our own list',
    });

    expect(await withList.check('on our own list', policy, about)).toEqual(['breached']);
    expect(await withList.check('Password123', policy, about)).toEqual(['breached']);
    expect(await withList.check('correct horse', policy, about)).toEqual([]);
  });

  it('lets common passwords pass where the policy allows them', async () => {
    const lenient: PasswordPolicy = { ...policy, refuseBreached: false };

    expect(await passwords.check('password123', lenient, about)).toEqual([]);
  });
});

it('knows common passwords in any case, and no others', () => {
  expect(['qwertyuiop', 'QwertyUIOP', 'iloveyou'].map(isBreached)).toEqual([true, true, true]);
  expect(['my_password', 'ada_password', ''].map(isBreached)).toEqual([false, false, false]);
});
