import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { createRequestLifecycle } from '../../src/http/lifecycle.ts';
import { apiHeaders, pageHeaders } from '../../src/http/security-headers.ts';
import { createStopping } from '../../src/http/stopping.ts';
import { createTrustedProxy } from '../../src/http/trusted-proxy.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

const policyOf = (headers: Readonly<Record<string, string>>) => headers['Content-Security-Policy'];

describe('headers of pages', () => {
  it('allow our own style and forms and nothing else', () => {
    const headers = pageHeaders({ isHttps: true });

    expect(headers).toMatchObject({
      'Content-Security-Policy':
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Strict-Transport-Security': 'max-age=31536000',
    });
    expect(headers['Permissions-Policy']).toContain('camera=()');
  });

  it('promise https only where it is', () => {
    const headers = pageHeaders({ isHttps: false });

    expect(headers).not.toHaveProperty('Strict-Transport-Security');
  });

  it('leave a popup its opener while it is in a client flow', () => {
    const headers = pageHeaders({ isHttps: true, isClientFlow: true });

    expect(headers['Cross-Origin-Opener-Policy']).toBe('unsafe-none');
  });

  it('let a form of a client flow end anywhere on the web, which is where callbacks go on to', () => {
    expect(policyOf(pageHeaders({ isHttps: true, isClientFlow: true }))).toContain(
      "; form-action 'self' https:; frame-ancestors",
    );
  });

  it('allow the origins of images, each once', () => {
    const images = [
      'https://cdn.example.com:8443/a.png',
      undefined,
      'https://cdn.example.com:8443/b',
      'data:x,y',
    ];

    expect(policyOf(pageHeaders({ isHttps: true, images }))).toContain(
      "img-src 'self' https://cdn.example.com:8443; form-action",
    );
  });

  it.each([
    ['https://app.example.com/cb?x=1', ' https://app.example.com'],
    ['http://localhost:8080/cb', ' http://localhost:* http://127.0.0.1:*'],
    ['http://app.test:8080/cb', ' http://app.test:8080'],
    ['http://localhost.example/cb', ' http://localhost.example'],
    ['http://[::1]:8080/cb', ' http:'],
    ['com.example.app:/cb', ' com.example.app:'],
    ['javascript:alert(1)', ''],
    ['data:text/html,x', ''],
    ['not an address', ''],
    ['https://a;script-src/cb', ''],
    ['https://a,default-src/cb', ''],
    ["https://'unsafe-inline'/cb", ''],
  ])('let a form end at %s by%s', (target, source) => {
    expect(policyOf(pageHeaders({ isHttps: true, formTargets: [target] }))).toContain(
      `; form-action 'self'${source}; frame-ancestors`,
    );
  });
});

describe('headers of other answers', () => {
  it('let an API answer do nothing in a browser', () => {
    expect(apiHeaders({ isHttps: false })).toEqual({
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
      'X-Robots-Tag': 'none',
    });
  });

  it('leave a self-posting page room for the one script that is named by its hash', () => {
    const policy = policyOf(pageHeaders({ isHttps: false, script: 'document.forms[0].submit()' }));

    // printf %s 'document.forms[0].submit()' | openssl dgst -sha256 -binary | base64
    expect(policy).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; frame-ancestors 'none'; base-uri 'none'",
    );
  });

  it('are set before a request is handled, so that it can replace them', async () => {
    const logger = createLogger('fatal');
    const trustedProxy = createTrustedProxy({
      publicUrl: 'http://localhost',
      trustProxy: [],
      clientCertHeader: 'client-cert',
    });
    const headers = apiHeaders({ isHttps: false });
    const listener = createRequestLifecycle(
      {
        headers,
        trustedProxy,
        logger,
        metrics: createMetrics(),
        stopping: createStopping(),
        logAddress: true,
      },
      async (_, response) => {
        response.setHeader('Cache-Control', 'max-age=60');
        response.end('x');
      },
    );

    const answer = await request(listener).get('/');

    expect(answer.headers['cache-control']).toBe('max-age=60');
    expect(answer.headers['x-robots-tag']).toBe('none');
  });
});
