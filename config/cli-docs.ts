/** Writes what docs/cli.md says of each command. */
import { readFile, writeFile } from 'node:fs/promises';
import { allCommands } from '../src/cli/table.ts';
import { withReference } from './cli-reference.ts';

const path = new URL('../docs/cli.md', import.meta.url);
await writeFile(path, withReference(await readFile(path, 'utf8'), await allCommands()));
