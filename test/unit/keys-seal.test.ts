import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSealer } from '../../src/keys/seal.ts';

const sealer = createSealer(Buffer.alloc(32, 7));

describe('sealer', () => {
  it('opens what it sealed, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, context) => {
        expect(sealer.open(sealer.seal(plain, context), context)).toBe(plain);
      }),
    );
  });

  it('opens what earlier versions sealed', () => {
    const sealed = 's1.uDlOMM7wh-KMHSDY_bcIQLnWDqZiDvqDpxibmYSwHfZGklMY';

    expect(sealer.open(sealed, 'acme/keys/ring')).toBe('a secret');
  });

  it('never seals one value to the same text twice', () => {
    expect(sealer.seal('value', 'here')).not.toBe(sealer.seal('value', 'here'));
  });

  it('opens nothing in which any character was changed, added or left out', () => {
    const sealed = sealer.seal('value', 'here');

    for (let at = 0; at < sealed.length; at += 1) {
      const [head, tail] = [sealed.slice(0, at), sealed.slice(at + 1)];
      const other = sealed[at] === 'A' ? 'B' : 'A';
      for (const changed of [head + other + tail, head + tail, `${head}\n${sealed.slice(at)}`]) {
        expect(() => sealer.open(changed, 'here')).toThrow();
      }
    }
    for (const changed of ['', 's1.', `${sealed}A`, `${sealed}=`, sealed.slice(0, 20)]) {
      expect(() => sealer.open(changed, 'here')).toThrow();
    }
  });

  it('opens nothing that was moved elsewhere or sealed under another key', () => {
    const sealed = sealer.seal('value', 'acme/client/web');

    expect(() => sealer.open(sealed, 'acme/client/spa')).toThrow();
    expect(() => sealer.open(sealed, 'globex/client/web')).toThrow();
    expect(() => createSealer(randomBytes(32)).open(sealed, 'acme/client/web')).toThrow();
  });

  it('takes a master key of 32 bytes only', () => {
    expect(() => createSealer(randomBytes(16))).toThrow(RangeError);
  });
});
