/** What is measured against what, and how it is shown. Targets are ratios, so that they hold on any machine. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: '×' | 'B' | 'ms' | 'MB' | '/s';
  readonly target: number;
  /** Whether more is better; otherwise less is. */
  readonly isRate: boolean;
  /** Absolute figures of this machine. */
  readonly note: string;
};

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** What all but one in a hundred of the values are at most. */
export function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

export function isMet({ value, target, isRate }: Figure): boolean {
  return isRate ? value >= target : value <= target;
}

export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    written(figure.value, figure.unit),
    `${figure.isRate ? '≥' : '≤'} ${written(figure.target, figure.unit)}`,
    isMet(figure) ? 'met' : 'MISSED',
    figure.note,
  ]);
  const all = [['what', 'measured', 'target', '', 'on this machine'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function written(value: number, unit: Figure['unit']): string {
  return unit === '×' ? value.toFixed(2) : `${value.toFixed(unit === 'ms' && value < 100 ? 1 : 0)} ${unit}`;
}
