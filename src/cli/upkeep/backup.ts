import { systemClock } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { loadSettings } from '../../config/load.ts';
import { loadMasterKey } from '../../config/master-key.ts';
import { createSealer } from '../../keys/seal.ts';
import { isMarkOf, markOf } from '../../keys/seal-check.ts';
import { createLogger } from '../../observability/logger.ts';
import { openBackup } from '../../storage/backup.ts';
import { checkBackup, recordsIn, writeBackup } from '../../storage/backup-file.ts';
import type { BackupPort, BackupRecord } from '../../storage/port/backup.ts';
import { type Command, type Input, print, UsageError } from '../runtime/command.ts';
import { createProgress } from '../runtime/progress.ts';
import { withServices } from '../runtime/with-services.ts';

export const backup: Command = {
  about:
    'Writes everything that the store holds into a new file, while the server runs: realms, clients, users, keys,\n' +
    'sessions, tokens, revocations. Every token and revocation that was acknowledged before it began is in it. The\n' +
    'file is readable by you alone; secrets in it are sealed with DAYPASS_KEY, which is not in it. Of SQLite it is one\n' +
    'moment; of Redis each record is as it was at some moment of the backup. Needs the store.',
  argument: 'file',
  examples: ['backup daypass-2026-11-27.backup'],
  async run(input) {
    const path = fileIn(input, 'backup');
    // Refuses the key of another store before anything is read.
    const sealer = await withServices(async (services) => services.sealer);
    const head = {
      is: 'daypass-backup',
      version: 1,
      begunAt: new Date(systemClock()).toISOString(),
      mark: markOf(sealer),
    } as const;
    const count = await withPort(loadSettings().store, async (port) => {
      const progress = createProgress('backing up', await port.size());
      const onRecord = () => progress.add(1);
      const written = await writeBackup(path, { port, head: { ...head, engine: port.engine }, onRecord });
      progress.end();
      return written;
    });
    print(`${path}: ${count} records`);
    return 0;
  },
};

export const restore: Command = {
  about:
    'Fills an empty store with a backup. Refused where the store holds anything, where DAYPASS_KEY is another key, and\n' +
    'where the file is not whole. A backup of SQLite can be restored into SQLite or Redis, one of Redis into Redis.\n' +
    'Run no server on the store before it has ended. What was revoked after the backup lives again: revoke it anew,\n' +
    'by `token revoke-all` of each realm. Needs the store.',
  argument: 'file',
  examples: ['restore daypass-2026-11-27.backup'],
  async run(input) {
    const path = fileIn(input, 'restore');
    const settings = loadSettings();
    const { head, records } = await checkBackup(path);
    const sealer = createSealer(await loadMasterKey(settings));
    if (!isMarkOf(sealer, head.mark)) {
      throw new Failure('invalid_input', 'DAYPASS_KEY is not the key of the store that this backup is of');
    }
    await withPort(settings.store, async (port) => {
      await refuseUnfit(port, head.engine);
      const progress = createProgress('restoring', records);
      await port.write(counted(recordsIn(path), () => progress.add(1)));
      progress.end();
    });
    print(`restored ${records} records, as of ${head.begunAt}`);
    return 0;
  },
};

function fileIn({ argument }: Input, command: string): string {
  if (argument === undefined) throw new UsageError(`name the file: daypass ${command} <file>`);
  return argument;
}

async function withPort<T>(store: string, work: (port: BackupPort) => Promise<T>): Promise<T> {
  const port = await openBackup(store, createLogger('silent'));
  try {
    return await work(port);
  } finally {
    await port.close();
  }
}

async function refuseUnfit(port: BackupPort, engine: BackupPort['engine']): Promise<void> {
  if (engine === 'redis' && port.engine !== 'redis') {
    throw new Failure('invalid_input', 'a backup of Redis can be restored into Redis only');
  }
  if (await port.isEmpty()) return;
  throw new Failure(
    'conflict',
    'the store is not empty: restore into an empty one, and start no server before',
  );
}

async function* counted(
  records: AsyncIterable<BackupRecord>,
  onRecord: () => void,
): AsyncGenerator<BackupRecord> {
  for await (const record of records) {
    onRecord();
    yield record;
  }
}
