import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output. Values under these keys never reach a log, whoever logs them. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['token', 'secret', 'password', 'code', 'email', 'authorization', 'cookie'].flatMap((key) => [
        key,
        `*.${key}`,
      ]),
      censor: '[redacted]',
    },
  });
}
