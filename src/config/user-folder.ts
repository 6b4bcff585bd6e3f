import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Environment } from './load.ts';

/** Where Daypass keeps things of whoever runs it (XDG Base Directory Specification: a relative path is ignored). */
export function userFolder(env: Environment = process.env): string {
  const base = env['XDG_CONFIG_HOME'];
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.config'), 'daypass');
}
