/** Documents that post themselves are pages of ours: in the person's language, with one script that its hash names. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { callback, requestUrl } from '../support/authorization.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, formOf, signIn, type View } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer({ realms: [browserRealm()] });

/** The one script of a page, by what its policy says of it. */
function scriptOf(view: View): string {
  const scripts = [...view.text.matchAll(/<script>([^<]*)<\/script>/g)].map(([, text = '']) => text);
  const hashes = scripts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  expect(scripts).toHaveLength(1);
  expect(view.headers.get('content-security-policy')).toContain(`script-src ${hashes.join(' ')};`);
  return scripts.join();
}

describe.each([
  ['en', 'One moment', 'Continue'],
  ['de', 'Einen Augenblick', 'Weiter'],
])('in %s', (locale, heading, button) => {
  it('an answer by form_post says where it goes, and has a button', async () => {
    const client = createVisitor(server.url);
    const state = `"><script>alert(1)</script>&amp;`;
    const params = { response_mode: 'form_post', ui_locales: locale, state };

    const view = await signIn(client, await client.open(requestUrl(server, { params })));

    expect(view.text).toContain(`<html lang="${locale}">`);
    expect(view.text).toContain(heading);
    expect(view.text).toContain(button);
    expect(view.text).not.toContain('Submitting Callback');
    expect(formOf(view, '/callback')).toMatchObject({ action: callback, fields: { state } });
    expect(scriptOf(view)).toBe('document.forms[0].submit()');
  });
});

it('an error by form_post keeps its status', async () => {
  const view = await createVisitor(server.url).open(
    requestUrl(server, { params: { prompt: 'none', response_mode: 'form_post' } }),
  );

  expect(view.status).toBe(400);
  expect(formOf(view, '/callback').fields).toMatchObject({ error: 'login_required' });
  scriptOf(view);
});
