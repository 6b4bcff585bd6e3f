/**
 * A backup as a file: lines of JSON, compressed. The first says what it is, the last how many lines lie between and
 * what their digest is, so that a file which was cut off or changed is never restored.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, type FileHandle, open, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import { Failure } from '../base/errors.ts';
import { type BackupPort, type BackupRecord, backupRecord } from './port/backup.ts';

const header = z.strictObject({
  is: z.literal('daypass-backup'),
  version: z.literal(1),
  engine: z.enum(['embedded', 'redis']),
  /** When it was begun, in ISO 8601. */
  begunAt: z.iso.datetime(),
  /** By which the master key is recognised. */
  mark: z.string(),
});
const footer = z.strictObject({ is: z.literal('end'), records: z.int(), sha256: z.string() });

export type BackupHeader = z.infer<typeof header>;

async function newFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
    throw new Failure('conflict', `${path} is there already`, { cause });
  }
}

type Told = { readonly onRecord?: () => void };

/** A stream that is fed line by line is several times slower. In characters. */
const CHUNK = 65_536;

/** Readers take these two for the end of a line. */
function lineOf(record: BackupRecord): string {
  return JSON.stringify(record).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** Resolves to the number of records. Rejects when the file is there already; a broken-off one is removed. */
export async function writeBackup(
  path: string,
  { port, head, onRecord }: { readonly port: BackupPort; readonly head: BackupHeader } & Told,
): Promise<number> {
  const file = await newFile(path);
  let count = 0;
  async function* chunks(): AsyncGenerator<string> {
    const digest = createHash('sha256');
    let text = `${JSON.stringify(head)}\n`;
    for await (const record of port.read()) {
      const line = `${lineOf(record)}\n`;
      digest.update(line);
      count += 1;
      onRecord?.();
      text += line;
      if (text.length < CHUNK) continue;
      yield text;
      text = '';
    }
    yield `${text}${JSON.stringify({ is: 'end', records: count, sha256: digest.digest('hex') })}\n`;
  }
  try {
    await pipeline(
      Readable.from(chunks(), { objectMode: false }),
      createGzip(),
      file.createWriteStream({ flush: true }),
    );
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return count;
}

/** Rejects with `Failure('invalid_input')` for what is no whole backup. */
export async function checkBackup(
  path: string,
): Promise<{ readonly head: BackupHeader; readonly records: number }> {
  await access(path).catch((cause: unknown) => {
    throw new Failure('not_found', `${path} is not there, or may not be read`, { cause });
  });
  const digest = createHash('sha256');
  let head: BackupHeader | undefined;
  let records = 0;
  let isWhole = false;
  for await (const line of linesOf(path)) {
    if (head === undefined) {
      head = headOf(path, jsonOf(path, line));
      continue;
    }
    const value = jsonOf(path, line);
    const end = footer.safeParse(value).data;
    isWhole = end !== undefined && end.records === records && end.sha256 === digest.copy().digest('hex');
    if (isWhole) continue;
    recordOf(path, value);
    digest.update(`${line}\n`);
    records += 1;
  }
  if (head === undefined || !isWhole) throw damaged(path);
  return { head, records };
}

/** The records of a file that `checkBackup` found whole. */
export async function* recordsIn(path: string): AsyncGenerator<BackupRecord> {
  let isFirst = true;
  for await (const line of linesOf(path)) {
    const value = jsonOf(path, line);
    if (!isFirst && !footer.safeParse(value).success) yield recordOf(path, value);
    isFirst = false;
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const source = createReadStream(path);
  const unpacked = createGunzip();
  // An error of either stream ends the reading of lines.
  const piped = pipeline(source, unpacked).catch((error: unknown) => error);
  try {
    for await (const line of createInterface({ input: unpacked, crlfDelay: Number.POSITIVE_INFINITY }))
      yield line;
  } catch (cause) {
    throw damaged(path, cause);
  }
  const error = await piped;
  if (error instanceof Error) throw damaged(path, error);
}

function jsonOf(path: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function headOf(path: string, value: unknown): BackupHeader {
  const parsed = header.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Failure('invalid_input', `${path} is no backup, or one of a newer version`);
}

function recordOf(path: string, value: unknown): BackupRecord {
  const parsed = backupRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  throw damaged(path);
}

function damaged(path: string, cause?: unknown): Failure {
  return new Failure('invalid_input', `${path} is damaged or not whole: nothing was restored`, { cause });
}
