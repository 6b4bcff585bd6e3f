import { distance } from 'fastest-levenshtein';

/** Everything that is wrong with the configuration, each fault on a line of its own. Holds no secret. */
export class ConfigFaults extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n  ${faults.join('\n  ')}`,
    );
    this.name = 'ConfigFaults';
    this.faults = faults;
  }
}

/** `, did you mean "x"?` when a known name is similar, otherwise an empty text. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const word = given.toLowerCase();
  let best: string | undefined;
  let least = Math.max(2, Math.floor(given.length / 3)) + 1;
  for (const name of known) {
    const steps = distance(word, name.toLowerCase());
    if (steps < least) {
      best = name;
      least = steps;
    }
  }
  return best === undefined ? '' : `, did you mean "${best}"?`;
}
