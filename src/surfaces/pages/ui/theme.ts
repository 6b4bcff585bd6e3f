/**
 * A realm's colour as a small style sheet: whatever colour an operator picks, what is written on it and in it stays
 * readable (WCAG 2.2 §1.4.3) in the light and in the dark scheme. A file of its own, so that the pages' content
 * security policy needs no exception for inline styles.
 */
import { Failure } from '../../../base/errors.ts';

/** The surfaces of style.css that coloured text is put on. A test keeps the two in step. */
export const SURFACES = {
  light: ['#ffffff', '#f5f3ee', '#fbfaf7'],
  dark: ['#131518', '#1c1f24', '#22262c'],
} as const;

/** WCAG 2.2 §1.4.3, text of normal size. */
const TEXT_CONTRAST = 4.5;
const STEPS = 50;

/**
 * Declares `--accent` (fill), `--accent-hover`, `--on-accent` (text on both) and `--accent-text` (links, focus rings
 * and edges on every surface). `color` is `#rrggbb`; anything else is `Failure('invalid_input')`.
 */
export function themeSheet(color: string): string {
  if (!/^#[0-9a-f]{6}$/i.test(color)) {
    throw new Failure('invalid_input', 'a colour is written as #rrggbb');
  }
  const accent = color.toLowerCase();
  const light = block(accent, accentText(accent, SURFACES.light, '#000000'));
  const dark = block(accent, accentText(accent, SURFACES.dark, '#ffffff'));
  return `:root{${light}}\n@media (prefers-color-scheme:dark){:root{${dark}}}\n`;
}

/** Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(a: string, b: string): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

function block(accent: string, text: string): string {
  const onAccent = contrast(accent, '#ffffff') >= TEXT_CONTRAST ? '#ffffff' : '#000000';
  // Away from the text on it, so that hovering only adds contrast.
  const hover = mix(accent, onAccent === '#ffffff' ? '#000000' : '#ffffff', 0.14);
  return `--accent:${accent};--accent-hover:${hover};--on-accent:${onAccent};--accent-text:${text}`;
}

/** The shade of `accent` nearest to it that can be read on all `surfaces`; `limit` itself always can. */
function accentText(accent: string, surfaces: readonly string[], limit: string): string {
  const shades = Array.from({ length: STEPS + 1 }, (_, step) => mix(accent, limit, step / STEPS));
  return shades.find((shade) => surfaces.every((on) => contrast(shade, on) >= TEXT_CONTRAST)) ?? limit;
}

function mix(from: string, to: string, share: number): string {
  const target = channels(to);
  const mixed = channels(from).map((value, i) => Math.round(value + ((target[i] ?? 0) - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/** WCAG 2.2, "relative luminance". */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channels(color: string): readonly number[] {
  return [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
}
