import type { LoadedRealm } from '../config/realm-files.ts';
import type { RealmFile } from '../registry/model.ts';

/** Says how to try the demo realms, in lines to be pasted into a shell. Their secrets are public. */
export function greet(publicUrl: string, realms: readonly LoadedRealm[]): void {
  for (const { file } of realms.filter(({ file: { demo } }) => demo === true)) {
    process.stdout.write(`\n${demoLines(publicUrl, file).join('\n')}\n\n`);
  }
}

function demoLines(publicUrl: string, file: RealmFile): readonly string[] {
  const issuer = `${publicUrl}/realms/${file.name}`;
  const endpoint = `${issuer}/protocol/openid-connect`;
  return [
    `Demo realm "${file.name}": ${issuer}/.well-known/openid-configuration`,
    ...personLines(endpoint, file),
    ...serviceLines(endpoint, file),
    ...introspectionLines(endpoint, file),
  ];
}

function personLines(endpoint: string, { clients = [], users = [] }: RealmFile): readonly string[] {
  const client = clients.find(({ grants, public: isPublic }) => isPublic && grants?.includes('password'));
  const user = users.find(({ password }) => password !== undefined);
  if (client === undefined || user === undefined) return [];
  const login = { client_id: client.id, username: user.username, password: user.password };
  return ['# a token of a person', curl(`${endpoint}/token`, { grant_type: 'password', ...login })];
}

function serviceLines(endpoint: string, { clients = [] }: RealmFile): readonly string[] {
  const client = clients.find(({ grants, secret }) => secret && grants?.includes('client_credentials'));
  if (client === undefined) return [];
  const form = { grant_type: 'client_credentials' };
  return [
    '# a token of a service',
    `${curl(`${endpoint}/token`, form)} -u ${quoted(`${client.id}:${client.secret}`)}`,
  ];
}

function introspectionLines(endpoint: string, { clients = [] }: RealmFile): readonly string[] {
  const client = clients.find(({ introspects = [], secret }) => secret && introspects.length > 0);
  if (client === undefined) return [];
  const line = `${curl(`${endpoint}/token/introspect`, {})} -d token="$TOKEN" -u ${quoted(`${client.id}:${client.secret}`)}`;
  return ['# what an API learns of a token', line];
}

function curl(url: string, form: Readonly<Record<string, string | undefined>>): string {
  const data = Object.entries(form).map(
    ([name, value = '']) => `-d ${quoted(`${name}=${encodeURIComponent(value)}`)}`,
  );
  return ['curl -s', quoted(url), ...data].join(' ');
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=%@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
