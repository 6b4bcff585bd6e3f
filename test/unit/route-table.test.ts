import Koa, { type Context } from 'koa';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { beginRequest } from '../../src/http/request-state.ts';
import { createRouteTable } from '../../src/http/route-table.ts';
import { adaptSurface, type Route, type Routed, refusePlainly, type Surface } from '../../src/http/routes.ts';
import { surfaces } from '../../src/surfaces/surfaces.ts';

type Request = { readonly ctx: Context };

const who = 'anybody';

/** Answers with the text and the parameters that the route was found with. */
function saying(text: string): Route<Routed<Request>>['handler'] {
  return ({ ctx, params }) => {
    ctx.body = { text, params };
  };
}

function surface(routes: readonly Route<Routed<Request>>[], more: Partial<Surface<Request>> = {}) {
  return { name: 'test', routes, refuse: refusePlainly, ...more };
}

function serve(...all: readonly Surface<Request>[]) {
  const app = new Koa();
  const table = createRouteTable(all);
  app.use(async (ctx) => {
    beginRequest(ctx.req, 'request');
    if (!(await table.answer({ ctx }, ctx.path))) ctx.body = { text: 'nobody' };
  });
  return request(app.callback());
}

async function textAt(path: string, ...all: readonly Surface<Request>[]): Promise<string> {
  return (await serve(...all).get(path)).body.text;
}

describe('a table of routes', () => {
  it('decodes a parameter once', async () => {
    const routes = surface([{ method: 'GET', path: '/a/:name', who, handler: saying('found') }]);

    const answers = await Promise.all(
      ['/a/b%2Fc', '/a/b%252Fc', '/a/%C3%BC'].map((path) => serve(routes).get(path)),
    );

    expect(answers.map(({ body }) => body.params.name)).toEqual(['b/c', 'b%2Fc', 'ü']);
  });

  it('finds a fixed path before one with a parameter, wherever it stands', async () => {
    const routes = surface([
      { method: 'GET', path: '/a/:name', who, handler: saying('parameter') },
      { method: 'GET', path: '/a/fixed', who, handler: saying('fixed') },
    ]);

    expect([await textAt('/a/fixed', routes), await textAt('/a/other', routes)]).toEqual([
      'fixed',
      'parameter',
    ]);
  });

  it('takes no other spelling of a path', async () => {
    const routes = surface([
      { method: 'GET', path: '/a/b', who, handler: saying('fixed') },
      { method: 'GET', path: '/c/:name', who, handler: saying('parameter') },
    ]);

    const texts = await Promise.all(
      ['/A/b', '/a/b/', '/C/d', '/c/d/', '/c/', '/c'].map((path) => textAt(path, routes)),
    );

    expect(new Set(texts)).toEqual(new Set(['nobody']));
  });

  it('leaves a value that is none of its parameter to others, whatever the method', async () => {
    const routes = surface([
      { method: 'GET', path: '/a/:name', who, params: { name: /^x+$/ }, handler: saying('found') },
    ]);

    const other = await serve(routes).post('/a/y');

    expect([await textAt('/a/xx', routes), await textAt('/a/y', routes)]).toEqual(['found', 'nobody']);
    expect(other.body).toEqual({ text: 'nobody' });
  });

  it('asks the next surface where the first is not there', async () => {
    const routes: readonly Route<Routed<Request>>[] = [
      { method: 'GET', path: '/a', who, handler: saying('first') },
    ];
    const second = surface([{ method: 'POST', path: '/a', who, handler: saying('second') }]);

    const absent = await serve(surface(routes, { isThere: () => false }), second).post('/a');
    const present = await serve(surface(routes), second).post('/a');

    expect([absent.body.text, present.status]).toEqual(['second', 405]);
  });

  it('asks routes before whatever else a surface answers', async () => {
    const routes = surface([{ method: 'GET', path: '/a/b', who, handler: saying('route') }], {
      rest: { path: '/a/*rest', handler: saying('rest') },
    });

    expect([
      await textAt('/a/b', routes),
      await textAt('/a/c/%zz', routes),
      await textAt('/b', routes),
    ]).toEqual(['route', 'rest', 'nobody']);
  });

  it('answers a preflight for the routes that are open to pages, and no other', async () => {
    const crossOrigin = { headers: 'DPoP' };
    const routes = surface([
      { method: 'GET', path: '/a', who, handler: saying('closed') },
      { method: 'POST', path: '/a', who, crossOrigin, handler: saying('open') },
      { method: 'GET', path: '/b', who, handler: saying('closed') },
    ]);

    const open = await serve(routes).options('/a');
    const closed = await serve(routes).options('/b');

    expect([open.status, closed.status]).toEqual([204, 405]);
    expect(open.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'DPoP',
    });
    expect((await serve(routes).get('/a')).headers).not.toHaveProperty('access-control-allow-origin');
    expect((await serve(routes).post('/a')).headers).toHaveProperty('access-control-allow-origin', '*');
    expect((await serve(routes).put('/a')).headers).toHaveProperty('allow', 'GET, HEAD, POST, OPTIONS');
  });

  it('hands an adapted surface what it asks for, with the parameters', async () => {
    const inner: Surface<{ readonly ctx: Context; readonly word: string }> = {
      name: 'inner',
      routes: [
        {
          method: 'GET',
          path: '/a/:name',
          who,
          handler: ({ ctx, word, params }) => {
            ctx.body = { text: `${word} ${params['name']}` };
          },
        },
      ],
      isThere: ({ word }) => word === 'hello',
      refuse: refusePlainly,
    };
    const adapted = (word: string) => adaptSurface(inner, ({ ctx }: Request) => ({ ctx, word }));

    expect([await textAt('/a/b', adapted('hello')), await textAt('/a/b', adapted('other'))]).toEqual([
      'hello b',
      'nobody',
    ]);
  });
});

describe('the schemas of routes', () => {
  const schemas = surfaces.flatMap(({ routes }) =>
    routes.flatMap(({ path, schema = {} }) => Object.values(schema).map((one) => [path, one] as const)),
  );

  it.each(schemas)('%s can be described to others as JSON Schema', (_path, schema) => {
    const described = z.toJSONSchema(schema, { io: 'input' });

    expect(Object.keys(described)).toEqual(expect.arrayContaining(['$schema']));
  });
});
