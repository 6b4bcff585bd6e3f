/**
 * Several processes on one port. The first one answers no requests: it starts the others, replaces one that dies, and
 * passes on the signal to stop. Each has an admin port of its own, counted up from the first.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../observability/logger.ts';

const UP = 'up';
/** The pause before a worker that failed at its start is started again. */
const PAUSE_MS = 1000;

/** To be called in a worker when it answers requests. Does nothing in other processes. */
export function tellSupervisor(): void {
  cluster.worker?.send(UP);
}

type Deps = {
  readonly logger: Logger;
  /** Called once, when all workers answer. */
  onUp(): void;
};

/** `ended` resolves to the exit code when all are gone: 0 after `stop`, 1 when one failed at its very first start. */
export function superviseWorkers({ workers, adminPort }: Settings, { logger, onUp }: Deps) {
  const living = new Set<Worker>();
  const up = new Set<number>();
  let code: number | undefined;
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });

  function start(slot: number): void {
    if (code !== undefined) return;
    const worker = cluster.fork({ DAYPASS_ADMIN_PORT: adminPort === 0 ? 0 : adminPort + slot });
    let hasAnswered = false;
    living.add(worker);
    worker.once('message', () => {
      hasAnswered = true;
      if (up.size < workers && up.add(slot).size === workers) onUp();
    });
    worker.once('exit', (exitCode, signal) => {
      living.delete(worker);
      if (code === undefined) replace(slot, hasAnswered, { exitCode, signal });
      else if (living.size === 0) end(code);
    });
  }

  function replace(slot: number, hasAnswered: boolean, reason: object): void {
    if (!up.has(slot)) {
      stop(1);
      return;
    }
    logger.error({ worker: slot + 1, ...reason }, 'a worker died, another one takes its place');
    setTimeout(start, hasAnswered ? 0 : PAUSE_MS, slot);
  }

  function stop(exitCode = 0): void {
    code ??= exitCode;
    if (living.size === 0) end(code);
    for (const worker of living) worker.process.kill('SIGTERM');
  }

  for (let slot = 0; slot < workers; slot += 1) start(slot);
  return { ended, stop: () => stop() };
}
