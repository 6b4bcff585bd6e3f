import { Failure } from '../base/errors.ts';
import { ConfigFaults } from '../config/faults.ts';
import { Problem } from '../http/problem.ts';

/** From https://nodejs.org/api/errors.html#common-system-errors: those that a changed setting can mend. */
const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program (PORT, DAYPASS_ADMIN_PORT)',
  EADDRNOTAVAIL: 'is not an address of this machine (HOST)',
  ENOTFOUND: 'is not an address of this machine (HOST)',
  ENOENT: 'is not there',
  EACCES: 'may not be used by this user',
  EROFS: 'is on a file system that cannot be written',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'is not a folder',
};

/** The message for an operator, instead of a stack, when the operator can mend the failure. */
export function explain(error: unknown): string | undefined {
  if (error instanceof ConfigFaults || error instanceof Failure) return error.message;
  if (error instanceof Problem) return wordsOf(error);
  if (!(error instanceof Error)) return undefined;
  const { code, path, address, port, hostname } = {
    code: '',
    path: undefined,
    address: undefined,
    port: undefined,
    hostname: undefined,
    ...error,
  };
  const reason = reasons[code];
  return reason && `${path ?? hostname ?? `${address}:${port}`} ${reason}`;
}

/** Everything that is wrong, a line each. */
function wordsOf({ message, faults }: Problem): string {
  if (faults.length === 0) return message;
  return faults.map(({ pointer, message: what }) => `${pointer.slice(1)} ${what}`.trim()).join('\n');
}
