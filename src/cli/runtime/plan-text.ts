/** A plan as people read it, like the difference of two versions of a file, and as programs do. Pure. */
import { differenceOf, type FieldChange } from '../../registry/apply/difference.ts';
import type { Plan } from '../../registry/apply/plan.ts';
import { cellOf } from './output.ts';

const marks = { created: '+', updated: '~', removed: '-' } as const;

type Change = Plan['changes'][number];

/** The lines of every change, then one line that sums up. */
export function linesOf(realm: string, plan: Plan): readonly string[] {
  return [...plan.changes.flatMap(linesOfChange), `${realm}: ${summaryOf(plan)}`];
}

export function planAsJson(realm: string, { changes, strays, unchanged }: Plan): object {
  return {
    realm,
    changes: changes.map(({ label, changed }) => ({ label, ...differenceOf(changed) })),
    strays,
    unchanged,
  };
}

function linesOfChange({ label, changed }: Change): readonly string[] {
  const { kind, fields } = differenceOf(changed);
  return [`${marks[kind]} ${cellOf(label)}`, ...fields.flatMap((field) => linesOfField(field, kind))];
}

function linesOfField(field: FieldChange, kind: keyof typeof marks): readonly string[] {
  const name = field.path.map((step) => cellOf(step)).join('.');
  if (field.isHidden) {
    return [kind === 'created' ? `    + ${name}: (hidden)` : `    ~ ${name}: (hidden, changed)`];
  }
  return [
    ...('before' in field ? [`    - ${name}: ${JSON.stringify(field.before)}`] : []),
    ...('after' in field ? [`    + ${name}: ${JSON.stringify(field.after)}`] : []),
  ];
}

function summaryOf({ changes, strays, unchanged }: Plan): string {
  const labels = (kind: keyof typeof marks) =>
    changes.filter(({ changed }) => differenceOf(changed).kind === kind).map(({ label }) => cellOf(label));
  const parts = Object.entries({
    created: labels('created'),
    updated: labels('updated'),
    removed: labels('removed'),
  }).flatMap(([word, of]) => (of.length === 0 ? [] : [`${word} ${named(of)}`]));
  const others = strays.length === 0 ? [] : [`not in the file: ${named(strays.map(cellOf))}`];
  return [...parts, `${unchanged} unchanged`, ...others].join('; ');
}

/** A file may bring thousands of users. */
const MAX_NAMED = 50;

function named(labels: readonly string[]): string {
  const more = labels.length - MAX_NAMED;
  return labels.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
