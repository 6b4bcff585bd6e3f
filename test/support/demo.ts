/** The demo realms, as they are in `config/realms`. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** `moved`: addresses that the file fixes and a test cannot have, with those in their place. */
export function demoRealm(name: 'acme' | 'globex', moved: Readonly<Record<string, string>> = {}): unknown {
  const text = readFileSync(new URL(`../../config/realms/${name}.yaml`, import.meta.url), 'utf8');
  const here = { [`$\{DAYPASS_URL}`]: 'http://localhost:3000', ...moved };
  return parse(Object.entries(here).reduce((all, [from, to]) => all.replaceAll(from, to), text));
}

/** A person of both. */
export const george = { username: 'george.becker', password: 'my_password' };
