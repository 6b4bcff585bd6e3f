import Koa from 'koa';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { assetHref, sendAsset } from '../../src/surfaces/pages/ui/assets.ts';

function serve(color?: string) {
  const app = new Koa();
  app.use((ctx) => {
    // As the routes do, which know no other method.
    if (ctx.method !== 'POST') sendAsset(ctx, { file: ctx.path.split('/').at(-1) ?? '', color });
  });
  return request(app.callback());
}

describe('assets', () => {
  it.each([
    ['style.css', 'text/css; charset=utf-8', '.ticket'],
    ['favicon.svg', 'image/svg+xml', '<svg'],
  ] as const)('serves %s for ever under its versioned address', async (file, type, text) => {
    const answer = await serve().get(assetHref('', file)).buffer(true);

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(type);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.text ?? answer.body.toString()).toContain(text);
  });

  it('has every other version checked again', async () => {
    const answer = await serve().get('/style.css?v=older');

    expect(answer.headers['cache-control']).toBe('public, no-cache');
  });

  it('does not send again what has not changed', async () => {
    const first = await serve().get('/style.css');

    const second = await serve().get('/style.css').set('If-None-Match', String(first.headers['etag']));

    expect(second.status).toBe(304);
    expect(second.text).toBe('');
  });

  it('gives a realm its colours and another tag when they change', async () => {
    const orange = await serve('#c2410c').get('/theme.css');
    const blue = await serve('#1d4ed8').get('/theme.css');

    expect(orange.text).toContain('--accent:#c2410c');
    expect(orange.headers['cache-control']).toBe('public, max-age=300');
    expect(orange.headers['etag']).not.toBe(blue.headers['etag']);
  });

  it.each(['/theme.css', '/mark.svg', '/../assets.ts', '/constructor', '/'])('knows no %s', async (path) => {
    const answer = await serve().get(path);

    expect(answer.status).toBe(404);
  });

  it('answers only those who read', async () => {
    const post = await serve().post('/style.css');
    const head = await serve().head('/style.css');

    expect(post.status).toBe(404);
    expect(head.status).toBe(200);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1000);
  });
});
