/** What the API is, for programs and for people. It says nothing of what is stored, so anybody may read it. */
import { readFileSync } from 'node:fs';
import type { Context } from 'koa';
import type { Surface } from '../../../http/routes.ts';
import { pageHeaders } from '../../../http/security-headers.ts';
import type { AdminRoute } from '../shared/route.ts';
import type { AdminRequest } from '../shared/surface.ts';
import { openApiOf } from './document.ts';
import { referencePage } from './page.ts';

const style = readFileSync(new URL('reference.css', import.meta.url), 'utf8');

export function referenceRoutes(routes: readonly AdminRoute[]): Surface<AdminRequest>['routes'] {
  // Made once, because it takes a tenth of a second, and anybody may ask.
  const document = once((url) => JSON.stringify(openApiOf(routes, url)));
  const page = once((url) => referencePage(routes, new URL(url).pathname.replace(/\/$/, '')));
  return [
    open('/admin/v1/openapi.json', (ctx, url) => send(ctx, 'application/json', document(url))),
    open('/admin/v1/reference', (ctx, url) => {
      ctx.set({ ...pageHeaders({ isHttps: url.startsWith('https:') }) });
      send(ctx, 'html', page(url));
    }),
    open('/admin/v1/reference.css', (ctx) => send(ctx, 'css', style)),
  ];
}

function open(
  path: string,
  answer: (ctx: Context, url: string) => void,
): Surface<AdminRequest>['routes'][number] {
  return {
    method: 'GET',
    path,
    who: 'anybody',
    handler: ({ ctx, deps }) => answer(ctx, deps.publicUrl),
  };
}

function send(ctx: Context, type: string, body: string): void {
  ctx.type = type;
  ctx.body = body;
}

/** Remembers the text for the address, which is the same as long as the process runs. */
function once(make: (url: string) => string): (url: string) => string {
  let made: { readonly url: string; readonly text: string } | undefined;
  return (url) => {
    made = made?.url === url ? made : { url, text: make(url) };
    return made.text;
  };
}
