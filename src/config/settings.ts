/**
 * The server's settings: one schema per environment variable, from text to the value that the code uses.
 * Owns what a setting may be and its default; reading and cross-checking is `load.ts`.
 */
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import type { SyslogAddress } from '../audit/export/syslog.ts';
import { isFailure } from '../base/errors.ts';
import { realmName } from '../registry/model/model.ts';
import { isLoopbackHost } from '../registry/model/web-address.ts';
import { storeAddress } from '../storage/port/address.ts';

/** The whole of what an operator can set by environment. Frozen; made once by `loadSettings`. */
export type Settings = {
  readonly port: number;
  readonly host: string;
  /** Public base of every address that is ever written. No trailing slash. */
  readonly publicUrl: string;
  /** The address of the store. May hold a password, so it never goes to a log. */
  readonly store: string;
  /** 32 bytes; absent only in development, where `loadMasterKey` makes one. */
  readonly key?: Buffer;
  readonly configFolder: string;
  readonly workers: number;
  /** Networks whose forwarding headers are believed, as CIDR. */
  readonly trustProxy: readonly string[];
  readonly defaultRealm?: string;
  /** The realm whose administrators administer every realm; it need not exist. */
  readonly adminRealm: string;
  readonly logLevel: LogLevel;
  /** True when the line of a request has the caller's network address. */
  readonly logAddress: boolean;
  /** The most bytes that the header fields of a request may have together. */
  readonly maxHeaderBytes: number;
  readonly adminPort: number;
  /** Seconds that the server still serves after it was told to stop, while readiness says that it does not. */
  readonly stopDelay: number;
  /** Lower-case name of the header that carries the client's certificate (RFC 9440). */
  readonly clientCertHeader: string;
  /** Lower-case name of the header in which a trusted proxy says that it verified the chain; absent: none says so. */
  readonly clientCertVerifiedHeader?: string;
  readonly allowPrivateFetch: boolean;
  /** Where copies of the audit log are posted to, and the bytes that they are signed with. */
  readonly auditWebhook?: { readonly url: string; readonly secret: Buffer };
  readonly auditSyslog?: SyslogAddress;
  readonly production: boolean;
};

export type LogLevel = z.infer<typeof logLevel>;

const logLevel = z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
  error: 'must be one of fatal, error, warn, info, debug, trace, silent',
});

const port = z
  .string()
  .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, 'must be a port number, 0 to 65535')
  .transform(Number);

const publicUrl = z.string().transform((text, context) => {
  const problem = problemOfPublicUrl(text);
  if (problem !== undefined) {
    context.addIssue(problem);
    return z.NEVER;
  }
  const url = new URL(text);
  return url.origin + url.pathname.replace(/\/+$/, '');
});

const store = z.string().superRefine((text, context) => {
  try {
    storeAddress(text);
  } catch (error) {
    if (!isFailure(error, 'invalid_input')) throw error;
    context.addIssue(error.message);
  }
});

const key = z.string().transform((text, context) => {
  const bytes = masterKeyOf(text);
  if (bytes === undefined) {
    context.addIssue('must be 32 bytes in base64, for example from: openssl rand -base64 32');
    return z.NEVER;
  }
  return bytes;
});

const workers = z
  .string()
  .refine((text) => text === 'auto' || /^([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-6])$/.test(text), {
    error: 'must be auto or a number from 1 to 256',
  })
  .transform((text) => (text === 'auto' ? availableParallelism() : Number(text)));

const trustProxy = z.string().transform((text, context) => {
  const networks = text.split(/[\s,]+/).filter((part) => part !== '');
  for (const network of networks) {
    if (cidrOf(network) === undefined) {
      context.addIssue(`"${network}" is no network such as 10.0.0.0/8 or fd00::/8`);
    }
  }
  return networks.flatMap((network) => cidrOf(network) ?? []);
});

const yesOrNo = z
  .enum(['0', '1', 'false', 'true'], { error: 'must be 1 or 0' })
  .transform((text) => text === '1' || text === 'true');

/** Less than 8 KiB would refuse browsers' cookies; more than 128 KiB is nobody's, and is held for each connection. */
const maxHeaderBytes = z
  .string()
  .refine((text) => /^\d{4,6}$/.test(text) && Number(text) >= 8192 && Number(text) <= 131_072, {
    error: 'must be bytes, 8192 to 131072',
  })
  .transform(Number);

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')
  .transform((name) => name.toLowerCase());

const stopDelay = z
  .string()
  .refine((text) => /^\d{1,3}$/.test(text) && Number(text) <= 300, 'must be seconds, 0 to 300')
  .transform(Number);

const auditWebhook = z.string().refine((text) => {
  const url = URL.parse(text);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
  return isSafe && url?.username === '' && url.password === '' && url.hash === '';
}, 'must be an https address without user name, password and fragment (http only to a loopback address)');

const webhookSecret = z.string().transform((text, context) => {
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64');
  if (/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text) && bytes.length >= 24 && bytes.length <= 64) return bytes;
  context.addIssue(
    'must be whsec_ and 24 to 64 bytes in base64, for example from: echo whsec_$(openssl rand -base64 32)',
  );
  return z.NEVER;
});

const auditSyslog = z.string().transform((text, context): SyslogAddress => {
  const [, transport, host = '', port] =
    /^(udp|tcp):\/\/(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?\/?$/.exec(text) ?? [];
  const number = Number(port ?? 514);
  if ((transport !== 'udp' && transport !== 'tcp') || number < 1 || number > 65_535) {
    context.addIssue('must be udp:// or tcp://, a host, and a port unless it is 514');
    return z.NEVER;
  }
  return { transport, host: host.replace(/^\[|\]$/g, ''), port: number };
});

/** By the name of the variable. An unset or empty variable takes the default. */
export const variables = {
  NODE_ENV: z.string().optional(),
  PORT: port.prefault('3000'),
  HOST: z.string().default('127.0.0.1'),
  DAYPASS_URL: publicUrl.optional(),
  DAYPASS_STORE: store.default('sqlite:./data/daypass.db'),
  DAYPASS_KEY: key.optional(),
  DAYPASS_CONFIG: z.string().default('./config'),
  DAYPASS_WORKERS: workers.prefault('1'),
  DAYPASS_TRUST_PROXY: trustProxy.prefault(''),
  DAYPASS_DEFAULT_REALM: realmName.optional(),
  DAYPASS_ADMIN_REALM: realmName.default('daypass-admin'),
  DAYPASS_LOG: logLevel.default('info'),
  DAYPASS_LOG_ADDRESS: yesOrNo.prefault('1'),
  DAYPASS_MAX_HEADER_BYTES: maxHeaderBytes.prefault('16384'),
  DAYPASS_ADMIN_PORT: port.prefault('9000'),
  DAYPASS_STOP_DELAY: stopDelay.prefault('1'),
  DAYPASS_CLIENT_CERT_HEADER: headerName.prefault('client-cert'),
  DAYPASS_CLIENT_CERT_VERIFIED_HEADER: headerName.optional(),
  DAYPASS_ALLOW_PRIVATE_FETCH: yesOrNo.prefault('0'),
  DAYPASS_AUDIT_WEBHOOK: auditWebhook.optional(),
  DAYPASS_AUDIT_WEBHOOK_SECRET: webhookSecret.optional(),
  DAYPASS_AUDIT_SYSLOG: auditSyslog.optional(),
};

/** The 32 bytes of a master key in base64; `undefined` when the text is anything else. */
export function masterKeyOf(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function problemOfPublicUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must be an absolute http or https address';
  // An empty query or fragment is not visible in the parsed address.
  if (/[?#]/.test(text)) return 'must have neither query nor fragment';
  if (url.username !== '' || url.password !== '') return 'must hold no user name or password';
  return undefined;
}

function cidrOf(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (prefix === undefined) return `${address}/${bits}`;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? `${address}/${Number(prefix)}` : undefined;
}
