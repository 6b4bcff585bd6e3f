import { Failure } from '../base/errors.ts';
import { ConfigFaults } from '../config/faults.ts';

/** From https://nodejs.org/api/errors.html#common-system-errors: those that a changed setting can mend. */
const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program (PORT, DAYPASS_ADMIN_PORT)',
  EADDRNOTAVAIL: 'is not an address of this machine (HOST)',
  ENOTFOUND: 'is not an address of this machine (HOST)',
  EACCES: 'may not be used by this user',
  EROFS: 'is on a file system that cannot be written',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'is not a folder',
};

/** The message for an operator, instead of a stack, when the operator can mend the failure. */
export function explain(error: unknown): string | undefined {
  if (error instanceof ConfigFaults || error instanceof Failure) return error.message;
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
