/** Why a store cannot be used, from a closed list: for the operator's log, metrics and readiness. Callers are not told. */
import { Failure } from '../../base/errors.ts';

/** What each trouble means, in words that follow "the store cannot be ". */
const meanings = {
  unreachable: 'reached: is it there, and is DAYPASS_STORE its address?',
  silent: 'used: it does not answer in time',
  'read-only': 'used: it takes no writes (a replica, or a file that may not be written)',
  full: 'used: its memory or disk is full',
  'no-replicas': 'used: it has too few replicas to take writes (min-replicas-to-write)',
  'not-saving': 'used: it cannot save to its disk, and takes no writes',
  loading: 'used: it is still loading its data',
  credentials: 'used: it refuses the user name or password, or asks for one',
  'no-permission': 'used: its user may not run what Daypass needs (docs/operations.md has the ACL)',
  'wrong-database': 'used: it has no database of the number in the address',
  tls: 'used: one side speaks TLS and the other does not, the certificate is not trusted, or nobody answers',
  locked: 'used: another process holds its lock',
  damaged: 'used: its file is damaged, or no database',
  'store-emptied':
    'used: it was emptied while this server ran. Put a backup back, or fill it again: daypass apply (docs/operations.md)',
  'file-replaced':
    'used: its file was deleted or replaced while this server ran, and what is written now is lost at the next start. ' +
    'Stop the server, put the file back, start it (docs/operations.md)',
} as const;

export type StoreTrouble = keyof typeof meanings;

export class StoreFailure extends Failure {
  readonly trouble: StoreTrouble;

  constructor(trouble: StoreTrouble, cause: unknown) {
    super('unavailable', `the store cannot be ${meanings[trouble]}`, { cause });
    this.trouble = trouble;
  }
}
