import type { LoadedRealm } from '../../config/realm-files.ts';
import type { RealmFile } from '../../registry/model/model.ts';

/** Prints how to try the demo realms, as lines to paste into a shell. Their secrets are public. */
export function greet(publicUrl: string, realms: readonly LoadedRealm[]): void {
  const [first, ...others] = realms.map(({ file }) => file).filter(({ demo }) => demo === true);
  if (first === undefined) return;
  const lines = [...demoLines(publicUrl, first), ...others.map((file) => headline(publicUrl, file))];
  process.stdout.write(`\n${lines.join('\n')}\n\n`);
}

function demoLines(publicUrl: string, file: RealmFile): readonly string[] {
  const endpoint = `${publicUrl}/realms/${file.name}/protocol/openid-connect`;
  return [
    headline(publicUrl, file),
    `  # a page to click through: ${publicUrl}/demo`,
    ...personLines(endpoint, file),
    ...serviceLines(endpoint, file),
    ...introspectionLines(endpoint, file),
  ];
}

function headline(publicUrl: string, { name }: RealmFile): string {
  return `Demo realm "${name}": ${publicUrl}/realms/${name}/.well-known/openid-configuration`;
}

function personLines(endpoint: string, { clients = [], users = [] }: RealmFile): readonly string[] {
  const client = clients.find(({ grants, public: isPublic }) => isPublic && grants?.includes('password'));
  const user = users.find(({ password }) => password !== undefined);
  if (client === undefined || user === undefined) return [];
  const login = { client_id: client.id, username: user.username, password: user.password };
  return ['  # a token of a person', curl(`${endpoint}/token`, { grant_type: 'password', ...login })];
}

function serviceLines(endpoint: string, { clients = [] }: RealmFile): readonly string[] {
  const client = clients.find(({ grants, secret }) => secret && grants?.includes('client_credentials'));
  if (client === undefined) return [];
  const form = { grant_type: 'client_credentials' };
  return [
    '  # a token of a service',
    `${curl(`${endpoint}/token`, form)} -u ${quoted(`${client.id}:${client.secret}`)}`,
  ];
}

function introspectionLines(endpoint: string, { clients = [] }: RealmFile): readonly string[] {
  const client = clients.find(({ introspects = [], secret }) => secret && introspects.length > 0);
  if (client === undefined) return [];
  const line = `${curl(`${endpoint}/token/introspect`, {})} -d token="$TOKEN" -u ${quoted(`${client.id}:${client.secret}`)}`;
  return ['  # what an API learns of it (TOKEN=its access_token)', line];
}

function curl(url: string, form: Readonly<Record<string, string | undefined>>): string {
  const data = Object.entries(form).map(
    ([name, value = '']) => `-d ${quoted(`${name}=${encodeURIComponent(value)}`)}`,
  );
  return ['  curl -s', quoted(url), ...data].join(' ');
}

/** Quotes text for a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=%@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
