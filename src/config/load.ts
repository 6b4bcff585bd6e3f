/**
 * Reads the environment into one frozen value. Every fault is reported at once, with the cure where it is known. The
 * value of a secret is never repeated.
 */
import { z } from 'zod';
import { isLoopbackHost } from '../registry/model/web-address.ts';
import { ConfigFaults, didYouMean } from './faults.ts';
import { type Settings, variables } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `ConfigFaults` with all that is wrong. An empty variable counts as unset. */
export function loadSettings(env: Environment = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = z.object(variables).safeParse(given);
  const faults = [
    ...unknownVariables(given),
    ...(parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []),
    ...conflicts(given),
    ...(isProduction(given) ? refusals(given) : []),
  ];
  if (parsed.data === undefined || faults.length > 0) {
    throw new ConfigFaults(faults);
  }
  return settingsOf(parsed.data);
}

/** True when the server must refuse settings that are only fit for a trial. */
export function isProduction(env: Environment): boolean {
  return env['NODE_ENV'] === 'production';
}

/** The public address that these settings mean, also where others of them are at fault. */
export function publicUrlOf(env: Environment): string {
  const given = variables.DAYPASS_URL.safeParse(env['DAYPASS_URL'] || undefined).data;
  return given ?? localUrl(variables.PORT.safeParse(env['PORT'] || undefined).data ?? 0);
}

function localUrl(port: number): string {
  return `http://localhost:${port}`;
}

function settingsOf(values: z.infer<z.ZodObject<typeof variables>>): Settings {
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    publicUrl: values.DAYPASS_URL ?? localUrl(values.PORT),
    store: values.DAYPASS_STORE,
    ...(values.DAYPASS_KEY && { key: values.DAYPASS_KEY }),
    configFolder: values.DAYPASS_CONFIG,
    workers: values.DAYPASS_WORKERS,
    trustProxy: Object.freeze(values.DAYPASS_TRUST_PROXY),
    adminRealm: values.DAYPASS_ADMIN_REALM,
    ...(values.DAYPASS_DEFAULT_REALM && { defaultRealm: values.DAYPASS_DEFAULT_REALM }),
    logLevel: values.DAYPASS_LOG,
    logAddress: values.DAYPASS_LOG_ADDRESS,
    maxHeaderBytes: values.DAYPASS_MAX_HEADER_BYTES,
    adminPort: values.DAYPASS_ADMIN_PORT,
    stopDelay: values.DAYPASS_STOP_DELAY,
    clientCertHeader: values.DAYPASS_CLIENT_CERT_HEADER,
    ...(values.DAYPASS_CLIENT_CERT_VERIFIED_HEADER && {
      clientCertVerifiedHeader: values.DAYPASS_CLIENT_CERT_VERIFIED_HEADER,
    }),
    allowPrivateFetch: values.DAYPASS_ALLOW_PRIVATE_FETCH,
    ...auditTargetsOf(values),
    production: values.NODE_ENV === 'production',
  });
}

function auditTargetsOf(
  values: z.infer<z.ZodObject<typeof variables>>,
): Pick<Settings, 'auditWebhook' | 'auditSyslog'> {
  const { DAYPASS_AUDIT_WEBHOOK: url, DAYPASS_AUDIT_WEBHOOK_SECRET: secret } = values;
  const { DAYPASS_AUDIT_SYSLOG: auditSyslog } = values;
  return {
    ...(url !== undefined && secret !== undefined && { auditWebhook: { url, secret } }),
    ...(auditSyslog !== undefined && { auditSyslog }),
  };
}

function unknownVariables(env: Environment): string[] {
  const known = Object.keys(variables);
  return Object.keys(env)
    .filter((name) => name.startsWith('DAYPASS_') && !known.includes(name))
    .map((name) => `${name}: there is no such setting${didYouMean(name, known)}`);
}

/** Settings that contradict each other. A setting that is at fault itself is left out. */
function conflicts(env: Environment): string[] {
  const faults: string[] = [];
  const storeOfOneProcess = variables.DAYPASS_STORE.safeParse(env['DAYPASS_STORE']).data?.startsWith(
    'sqlite:',
  );
  if (storeOfOneProcess && (env['DAYPASS_WORKERS'] ?? '1') !== '1') {
    faults.push('DAYPASS_WORKERS: more than one process needs Redis (DAYPASS_STORE)');
  }
  const port = variables.PORT.safeParse(env['PORT']).data;
  if (port !== 0 && port === variables.DAYPASS_ADMIN_PORT.safeParse(env['DAYPASS_ADMIN_PORT']).data) {
    faults.push('DAYPASS_ADMIN_PORT: must differ from PORT');
  }
  const certificate = variables.DAYPASS_CLIENT_CERT_HEADER.safeParse(env['DAYPASS_CLIENT_CERT_HEADER']).data;
  if (certificate === env['DAYPASS_CLIENT_CERT_VERIFIED_HEADER']?.toLowerCase()) {
    faults.push('DAYPASS_CLIENT_CERT_VERIFIED_HEADER: must differ from DAYPASS_CLIENT_CERT_HEADER');
  }
  for (const [name, other] of webhookSettings) {
    if (env[name] !== undefined && env[other] === undefined)
      faults.push(`${other}: is missing beside ${name}`);
  }
  return faults;
}

const webhookSettings = [
  ['DAYPASS_AUDIT_WEBHOOK', 'DAYPASS_AUDIT_WEBHOOK_SECRET'],
  ['DAYPASS_AUDIT_WEBHOOK_SECRET', 'DAYPASS_AUDIT_WEBHOOK'],
] as const;

/** Settings that are fit for a trial but not for production. */
function refusals(env: Environment): string[] {
  const faults: string[] = [];
  const publicUrl = variables.DAYPASS_URL.safeParse(env['DAYPASS_URL']).data ?? 'http://localhost';
  const isLocal = isLoopbackHost(new URL(publicUrl).hostname);
  if (publicUrl.startsWith('http:') && !isLocal) {
    faults.push('DAYPASS_URL: must be https in production, unless it is a loopback address');
  }
  if (env['DAYPASS_KEY'] === undefined) {
    faults.push('DAYPASS_KEY: is required in production, for example from: openssl rand -base64 32');
  }
  if (variables.DAYPASS_ALLOW_PRIVATE_FETCH.safeParse(env['DAYPASS_ALLOW_PRIVATE_FETCH']).data && !isLocal) {
    faults.push(
      'DAYPASS_ALLOW_PRIVATE_FETCH: is refused in production, unless DAYPASS_URL is a loopback address',
    );
  }
  return faults;
}
