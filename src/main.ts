#!/usr/bin/env node
/** Process entry: argv → command → exit code. Nothing else. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { run } = await import('./cli/index.ts');
process.exitCode = await run(process.argv.slice(2));
