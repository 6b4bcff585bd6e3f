/**
 * Calls from the demo's backends to the server's endpoints: made over HTTP like anybody's, and shown as curl lines.
 */
import { isIPv6, type Socket } from 'node:net';
import type { Credentials } from './demo-realm.ts';

export type Call = {
  readonly title: string;
  /** Path below the server's base address. */
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  readonly as: Credentials;
};

export type Reply = { readonly status: number; readonly body: unknown };

const TIMEOUT_MS = 5000;

/**
 * `base`: the server's address as this process reaches it, without a trailing slash. Rejects when there is no answer
 * in time or none in JSON.
 */
export async function send({ path, form, as }: Call, base: string): Promise<Reply> {
  const response = await fetch(`${base}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { Authorization: basic(as) },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: response.status, body: await response.json() };
}

/** The local address that a request arrived at. The public address may lead elsewhere (a proxy, a container). */
export function ownAddress({ localAddress = '127.0.0.1', localPort }: Socket): string {
  const host = isIPv6(localAddress) ? `[${localAddress}]` : localAddress;
  return `http://${host}:${localPort}`;
}

/** The call for a POSIX shell. Values in `hidden` are shown as the shell variables of their names. */
export function curlOf(
  { path, form, as }: Call,
  publicUrl: string,
  hidden: Record<string, string> = {},
): string {
  const fields = Object.entries(form).map(([name, value]) => {
    const variable = Object.keys(hidden).find((each) => hidden[each] === value);
    return `--data-urlencode ${variable === undefined ? quoted(`${name}=${value}`) : `${name}="$${variable}"`}`;
  });
  return [`curl -s ${quoted(`${publicUrl}${path}`)} -u ${quoted(`${as.id}:${as.secret}`)}`, ...fields].join(
    ' \\\n  ',
  );
}

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
function basic({ id, secret }: Credentials): string {
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function quoted(text: string): string {
  return /^[\w./:=%@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
