/**
 * The texts of the library that decide what we answer stand in the installed version as we match them. After an
 * upgrade this says which of them have changed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as messages from '../../src/oidc/library/messages.ts';
import type { Template } from '../../src/oidc/library/template.ts';

const installed = fileURLToPath(new URL('.', import.meta.resolve('oidc-provider')));
const source = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.js'))
  .map((name) => readFileSync(join(installed, name), 'utf8'))
  .join('\n');

const entries = Object.entries(messages).flatMap(([name, value]) => textsOf(name, value));

describe('the messages of the library', () => {
  it.each(entries)('has %s as its source writes it', (_name, pattern) => {
    expect(source).toMatch(pattern);
  });

  it('are all of them looked for', () => {
    expect(entries.length).toBeGreaterThan(25);
  });
});

/** The name of each text below `value`, with a pattern for the place in the source that writes it. */
function textsOf(name: string, value: unknown): (readonly [name: string, pattern: RegExp])[] {
  if (typeof value === 'string') return [[name, literal(name, value)]];
  if (isTemplate(value)) return [[`${name}: ${value.parts.join('…')}`, templateLiteral(value)]];
  return Object.entries(value ?? {}).flatMap(([inner, one]) => textsOf(`${name}.${inner}`, one));
}

function isTemplate(value: unknown): value is Template {
  return typeof value === 'object' && value !== null && 'parts' in value;
}

/** A whole string in quotes, or the name of a class of errors. */
function literal(name: string, text: string): RegExp {
  const quoted = escaped(text);
  return name.startsWith('userCodeError.') ? new RegExp(`new ${quoted}\\(`) : new RegExp(`'${quoted}'`);
}

function templateLiteral({ parts }: Template): RegExp {
  const value = '\\$\\{(?:[^{}`]|\\{[^{}`]*\\})+\\}';
  return new RegExp(`\`${parts.map(escaped).join(value)}\``);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
