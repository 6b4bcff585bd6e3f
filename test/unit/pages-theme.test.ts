import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contrast, SURFACES, themeSheet } from '../../src/surfaces/pages/ui/theme.ts';

const anyColor = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`);

describe('a realm theme', () => {
  it('keeps every text readable, whatever the colour', () => {
    fc.assert(
      fc.property(anyColor, (color) => {
        const [light, dark] = schemesOf(themeSheet(color));

        for (const [scheme, surfaces] of [
          [light, SURFACES.light],
          [dark, SURFACES.dark],
        ] as const) {
          expect(contrast(scheme('on-accent'), scheme('accent'))).toBeGreaterThanOrEqual(4.5);
          expect(contrast(scheme('on-accent'), scheme('accent-hover'))).toBeGreaterThanOrEqual(4.5);
          for (const on of surfaces) expect(contrast(scheme('accent-text'), on)).toBeGreaterThanOrEqual(4.5);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('fills with the very colour of the realm', () => {
    expect(themeSheet('#C2410C')).toContain('--accent:#c2410c;');
  });

  it.each(['red', '#fff', '#12345g', '#123456;}body{display:none', '#123456\n', ''])(
    'refuses %j',
    (color) => {
      expect(() => themeSheet(color)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    },
  );
});

describe('contrast', () => {
  it.each([
    ['#000000', '#ffffff', 21],
    ['#777777', '#ffffff', 4.48],
    ['#ff0000', '#ff0000', 1],
  ])('of %s and %s is %d', (a, b, ratio) => {
    expect(contrast(a, b)).toBeCloseTo(ratio, 2);
  });
});

describe('the style sheet', () => {
  const sheet = readFileSync(
    new URL('../../src/surfaces/pages/ui/assets/colors.css', import.meta.url),
    'utf8',
  );
  const [light, dark] = schemesOf(sheet);

  it.each([
    ['light', light, SURFACES.light],
    ['dark', dark, SURFACES.dark],
  ] as const)('can be read in the %s scheme', (_name, color, surfaces) => {
    const soft = ['danger', 'warning', 'good'].map((name) => [color(name), color(`${name}-soft`)] as const);
    const texts = ['ink', 'muted', 'accent-text', 'danger'].flatMap((name) =>
      surfaces.map((on) => [color(name), on] as const),
    );

    expect([color('page'), color('surface'), color('sunken')].sort()).toEqual([...surfaces].sort());
    for (const [text, on] of [...soft, ...texts, [color('on-accent'), color('accent')] as const]) {
      expect(contrast(text, on), `${text} on ${on}`).toBeGreaterThanOrEqual(4.5);
    }
    // WCAG 2.2 §1.4.11: the edge of a field.
    for (const on of surfaces) expect(contrast(color('field'), on)).toBeGreaterThanOrEqual(3);
  });
});

/** The custom properties of the light and of the dark scheme. */
function schemesOf(sheet: string) {
  const [light = '', dark = ''] = sheet.split('prefers-color-scheme');
  return [light, dark].map((part) => (name: string) => {
    return new RegExp(`--${name}:\\s*(#[0-9a-f]{6})`).exec(part)?.[1] ?? `--${name} is missing`;
  }) as [(name: string) => string, (name: string) => string];
}
