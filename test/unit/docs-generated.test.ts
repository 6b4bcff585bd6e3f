import { expect, it } from 'vitest';
import { parts, read, upToDate } from '../support/generated-docs.ts';

it.each([...new Set(parts.map(({ file }) => file))])('%s is as the code is (else: npm run docs)', (file) => {
  expect(read(file)).toBe(upToDate(file));
});
