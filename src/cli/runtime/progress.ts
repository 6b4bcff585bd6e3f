/** How far long work is: a bar on standard error, where somebody looks at it. */

export type Progress = {
  add(done: number): void;
  /** Takes the bar away. */
  end(): void;
};

const WIDTH = 30;
/** A bar that is drawn more often than this costs more than it tells: once for each share of the work. */
const STEPS = 200;

/** `total`: how much there is to do; `undefined` when nobody knows, then only what is done is counted. */
export function createProgress(what: string, total?: number): Progress {
  if (!process.stderr.isTTY) return { add: () => undefined, end: () => undefined };
  let done = 0;
  let drawnAt = -1;
  function draw(): void {
    const step = total === undefined ? Math.floor(done / STEPS) : Math.floor((done / total) * STEPS);
    if (step === drawnAt) return;
    drawnAt = step;
    process.stderr.write(`\r\u001b[2K${what} ${total === undefined ? done : barOf(done, total)}`);
  }
  return {
    add(more) {
      done += more;
      draw();
    },
    end: () => void process.stderr.write('\r\u001b[2K'),
  };
}

function barOf(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * WIDTH);
  return `[${'#'.repeat(full)}${' '.repeat(WIDTH - full)}] ${Math.round(share * 100)} %`;
}
