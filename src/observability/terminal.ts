import type { DestinationStream } from 'pino';

/** Log lines for people at a terminal: a line each, with the time of day, the level, the message and its members. */
export async function openTerminal(): Promise<DestinationStream> {
  // Loaded only where somebody looks at the log.
  const { build } = await import('pino-pretty');
  return build({
    colorize: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    singleLine: true,
    messageFormat: (line, key) => messageOf(line, key),
    sync: true,
  });
}

/** The line of a request has no message of its own. */
function messageOf(line: Readonly<Record<string, unknown>>, key: string): string {
  const message = line[key];
  if (typeof message === 'string') return message;
  const { method, route, status, ms } = line;
  return `${method} ${route}: ${status} in ${ms} ms`;
}
