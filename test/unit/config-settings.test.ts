import { describe, expect, it } from 'vitest';
import { ConfigFaults } from '../../src/config/faults.ts';
import { loadSettings } from '../../src/config/load.ts';

const key = Buffer.alloc(32, 1);
const production = {
  NODE_ENV: 'production',
  DAYPASS_URL: 'https://id.example.com',
  DAYPASS_KEY: key.toString('base64'),
};

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadSettings(env);
    return [];
  } catch (error) {
    return error instanceof ConfigFaults ? error.faults : [`not ConfigFaults: ${error}`];
  }
}

describe('settings', () => {
  it('have defaults', () => {
    expect(loadSettings({ PATH: '/bin', HOST: '' })).toEqual({
      port: 3000,
      host: '127.0.0.1',
      publicUrl: 'http://localhost:3000',
      store: 'sqlite:./data/daypass.db',
      configFolder: './config',
      adminRealm: 'daypass-admin',
      workers: 1,
      trustProxy: [],
      logLevel: 'info',
      logAddress: true,
      maxHeaderBytes: 16_384,
      adminPort: 9000,
      stopDelay: 1,
      clientCertHeader: 'client-cert',
      allowPrivateFetch: false,
      production: false,
    });
  });

  it('are read, each from its variable', () => {
    const settings = loadSettings({
      ...production,
      PORT: '8080',
      HOST: '0.0.0.0',
      DAYPASS_URL: 'https://id.example.com:443/auth//',
      DAYPASS_STORE: 'rediss://:secret@h1/2',
      DAYPASS_CONFIG: '/etc/daypass',
      DAYPASS_WORKERS: '4',
      DAYPASS_TRUST_PROXY: '10.0.0.0/8, fd00::/8 192.0.2.1',
      DAYPASS_DEFAULT_REALM: 'acme',
      DAYPASS_ADMIN_REALM: 'head',
      DAYPASS_LOG: 'debug',
      DAYPASS_LOG_ADDRESS: '0',
      DAYPASS_MAX_HEADER_BYTES: '32768',
      DAYPASS_ADMIN_PORT: '9001',
      DAYPASS_STOP_DELAY: '20',
      DAYPASS_CLIENT_CERT_HEADER: 'X-Client-Cert',
      DAYPASS_CLIENT_CERT_VERIFIED_HEADER: 'X-Client-Verify',
      DAYPASS_ALLOW_PRIVATE_FETCH: '0',
    });

    expect(settings).toEqual({
      port: 8080,
      host: '0.0.0.0',
      publicUrl: 'https://id.example.com/auth',
      store: 'rediss://:secret@h1/2',
      key,
      configFolder: '/etc/daypass',
      workers: 4,
      trustProxy: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1/32'],
      defaultRealm: 'acme',
      adminRealm: 'head',
      logLevel: 'debug',
      logAddress: false,
      maxHeaderBytes: 32_768,
      adminPort: 9001,
      stopDelay: 20,
      clientCertHeader: 'x-client-cert',
      clientCertVerifiedHeader: 'x-client-verify',
      allowPrivateFetch: false,
      production: true,
    });
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.trustProxy)).toBe(true);
  });

  it('name where copies of the audit log go', () => {
    const bytes = Buffer.alloc(32, 3);
    const secret = `whsec_${bytes.toString('base64')}`;
    const url = 'https://siem.example.com/in?source=daypass';
    const settings = loadSettings({
      DAYPASS_AUDIT_WEBHOOK: url,
      DAYPASS_AUDIT_WEBHOOK_SECRET: secret,
      DAYPASS_AUDIT_SYSLOG: 'tcp://[2001:db8::1]:6514',
    });

    expect(settings.auditWebhook).toEqual({ url, secret: bytes });
    expect(settings.auditSyslog).toEqual({ transport: 'tcp', host: '2001:db8::1', port: 6514 });
    expect(loadSettings({ DAYPASS_AUDIT_SYSLOG: 'udp://log.example.com' }).auditSyslog).toEqual({
      transport: 'udp',
      host: 'log.example.com',
      port: 514,
    });
  });

  it.each([
    [
      { DAYPASS_AUDIT_WEBHOOK: 'http://siem.example.com' },
      /^DAYPASS_AUDIT_WEBHOOK: must be an https address/,
    ],
    [{ DAYPASS_AUDIT_WEBHOOK: 'https://a:b@siem.example.com' }, /^DAYPASS_AUDIT_WEBHOOK: must be an https/],
    [{ DAYPASS_AUDIT_WEBHOOK: 'siem' }, /^DAYPASS_AUDIT_WEBHOOK: must be an https address/],
    [{ DAYPASS_AUDIT_WEBHOOK: 'https://a.test' }, /^DAYPASS_AUDIT_WEBHOOK_SECRET: is missing/],
    [{ DAYPASS_AUDIT_WEBHOOK_SECRET: `whsec_${'A'.repeat(44)}` }, /^DAYPASS_AUDIT_WEBHOOK: is missing/],
    [{ DAYPASS_AUDIT_WEBHOOK_SECRET: 'whsec_short' }, /^DAYPASS_AUDIT_WEBHOOK_SECRET: must be whsec_/],
    [{ DAYPASS_AUDIT_WEBHOOK_SECRET: 'A'.repeat(44) }, /^DAYPASS_AUDIT_WEBHOOK_SECRET: must be whsec_/],
    [{ DAYPASS_AUDIT_SYSLOG: 'tls://a.test' }, /^DAYPASS_AUDIT_SYSLOG: must be udp/],
    [{ DAYPASS_AUDIT_SYSLOG: 'udp://a.test:70000' }, /^DAYPASS_AUDIT_SYSLOG: must be udp/],
    [{ DAYPASS_AUDIT_SYSLOG: 'udp://a.test/x' }, /^DAYPASS_AUDIT_SYSLOG: must be udp/],
  ])('refuse %j', (env, fault) => {
    expect(faultsOf(env)).toContainEqual(expect.stringMatching(fault));
  });

  it('name the port in the default address, and take every core for auto', () => {
    expect(loadSettings({ PORT: '4000' }).publicUrl).toBe('http://localhost:4000');
    expect(
      loadSettings({ DAYPASS_WORKERS: 'auto', DAYPASS_STORE: 'redis://localhost' }).workers,
    ).toBeGreaterThan(0);
  });

  it.each([
    ['DAYPASS_STROE', 'sqlite:x', 'DAYPASS_STROE: there is no such setting, did you mean "DAYPASS_STORE"?'],
    ['DAYPASS_XYZZY_PLUGH', '1', 'DAYPASS_XYZZY_PLUGH: there is no such setting'],
    ['PORT', '70000', 'PORT: must be a port number, 0 to 65535'],
    ['PORT', '80a', 'PORT: must be a port number, 0 to 65535'],
    ['DAYPASS_URL', 'id.example.com', 'DAYPASS_URL: must be an absolute http or https address'],
    ['DAYPASS_URL', 'ftp://a.test', 'DAYPASS_URL: must be an absolute http or https address'],
    ['DAYPASS_URL', 'https://a.test/?', 'DAYPASS_URL: must have neither query nor fragment'],
    ['DAYPASS_URL', 'https://a.test/#x', 'DAYPASS_URL: must have neither query nor fragment'],
    ['DAYPASS_URL', 'https://a:b@c.test', 'DAYPASS_URL: must hold no user name or password'],
    [
      'DAYPASS_STORE',
      'postgres://a',
      'DAYPASS_STORE: the store address begins with sqlite:, redis:// or rediss://',
    ],
    [
      'DAYPASS_STORE',
      'redis://h/abc',
      'DAYPASS_STORE: the store address is redis[s]://[user][:password@]host[:port][/number]',
    ],
    [
      'DAYPASS_STORE',
      'redis://h:99999',
      'DAYPASS_STORE: the store address is redis[s]://[user][:password@]host[:port][/number]',
    ],
    ['DAYPASS_STORE', 'sqlite:', 'DAYPASS_STORE: the store address names no file: sqlite:./path'],
    ['DAYPASS_STORE', 'sqlite::memory:', 'DAYPASS_STORE: the store address names no file: sqlite:./path'],
    [
      'DAYPASS_STORE',
      'redis+sentinel://h1,h2/main',
      'DAYPASS_STORE: Redis Sentinel and Cluster are not supported yet',
    ],
    [
      'DAYPASS_STORE',
      'redis+cluster://h1,h2',
      'DAYPASS_STORE: Redis Sentinel and Cluster are not supported yet',
    ],
    [
      'DAYPASS_KEY',
      Buffer.alloc(31).toString('base64'),
      'DAYPASS_KEY: must be 32 bytes in base64, for example from: openssl rand -base64 32',
    ],
    ['DAYPASS_WORKERS', '0', 'DAYPASS_WORKERS: must be auto or a number from 1 to 256'],
    ['DAYPASS_WORKERS', '2', 'DAYPASS_WORKERS: more than one process needs Redis (DAYPASS_STORE)'],
    ['DAYPASS_WORKERS', 'auto', 'DAYPASS_WORKERS: more than one process needs Redis (DAYPASS_STORE)'],
    [
      'DAYPASS_TRUST_PROXY',
      '10.0.0.0/33',
      'DAYPASS_TRUST_PROXY: "10.0.0.0/33" is no network such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      'DAYPASS_TRUST_PROXY',
      'proxy.test',
      'DAYPASS_TRUST_PROXY: "proxy.test" is no network such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      'DAYPASS_DEFAULT_REALM',
      'Acme',
      'DAYPASS_DEFAULT_REALM: lower-case letters, digits and hyphens, at most 63',
    ],
    ['DAYPASS_LOG', 'loud', 'DAYPASS_LOG: must be one of fatal, error, warn, info, debug, trace, silent'],
    ['DAYPASS_LOG_ADDRESS', 'no', 'DAYPASS_LOG_ADDRESS: must be 1 or 0'],
    ['DAYPASS_MAX_HEADER_BYTES', '8000', 'DAYPASS_MAX_HEADER_BYTES: must be bytes, 8192 to 131072'],
    ['DAYPASS_MAX_HEADER_BYTES', '16k', 'DAYPASS_MAX_HEADER_BYTES: must be bytes, 8192 to 131072'],
    ['DAYPASS_ADMIN_PORT', '3000', 'DAYPASS_ADMIN_PORT: must differ from PORT'],
    ['DAYPASS_CLIENT_CERT_HEADER', 'a:b', 'DAYPASS_CLIENT_CERT_HEADER: must be the name of a header'],
    [
      'DAYPASS_CLIENT_CERT_VERIFIED_HEADER',
      'Client-Cert',
      'DAYPASS_CLIENT_CERT_VERIFIED_HEADER: must differ from DAYPASS_CLIENT_CERT_HEADER',
    ],
    ['DAYPASS_ALLOW_PRIVATE_FETCH', 'yes', 'DAYPASS_ALLOW_PRIVATE_FETCH: must be 1 or 0'],
  ])('refuse %s=%s', (name, value, fault) => {
    expect(faultsOf({ [name]: value })).toContain(fault);
  });

  it('are told to be wrong all at once, without a secret', () => {
    const faults = faultsOf({
      PORT: 'x',
      DAYPASS_KEY: 'c2VjcmV0',
      DAYPASS_STORE: 'mysql://user:hunter2@host',
      DAYPASS_WORKER: '1',
      DAYPASS_LOG: 'loud',
    });

    expect(faults.map((fault) => fault.split(':')[0]).toSorted()).toEqual([
      'DAYPASS_KEY',
      'DAYPASS_LOG',
      'DAYPASS_STORE',
      'DAYPASS_WORKER',
      'PORT',
    ]);
    expect(faults.join()).not.toMatch(/c2VjcmV0|hunter2/);
  });
});

describe('production', () => {
  it('starts with https and a key', () => {
    expect(faultsOf(production)).toEqual([]);
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:3000'])(
    'starts on loopback %s',
    (url) => {
      expect(faultsOf({ ...production, DAYPASS_URL: url, DAYPASS_ALLOW_PRIVATE_FETCH: '1' })).toEqual([]);
    },
  );

  it('refuses what is only fit for trying it out', () => {
    const env = {
      NODE_ENV: 'production',
      DAYPASS_URL: 'http://localhost.example.com',
      DAYPASS_ALLOW_PRIVATE_FETCH: '1',
    };

    expect(faultsOf(env)).toEqual([
      'DAYPASS_URL: must be https in production, unless it is a loopback address',
      'DAYPASS_KEY: is required in production, for example from: openssl rand -base64 32',
      'DAYPASS_ALLOW_PRIVATE_FETCH: is refused in production, unless DAYPASS_URL is a loopback address',
    ]);
  });
});
