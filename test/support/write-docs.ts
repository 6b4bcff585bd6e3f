/** `npm run docs`: writes the parts of the documentation that are made from the code. */
import { writeFileSync } from 'node:fs';
import { parts, upToDate } from './generated-docs.ts';

for (const file of new Set(parts.map((part) => part.file))) {
  writeFileSync(new URL(`../../${file}`, import.meta.url), upToDate(file));
}
