/** A login that must end in a new password first (`requiredActions: [change_password]`). */
import { beforeAll, describe, expect, it } from 'vitest';
import { kindOf, requestUrl, walk } from '../support/authorization.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, responseOf, signIn } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer({ realms: [browserRealm()] });

describe('a person who must choose a new password', () => {
  const must = { username: 'must', password: 'old_password_1' };
  const fresh = { new_password: 'new_password_1', repeat_password: 'new_password_1' };
  const reset = () =>
    server.services.registry.updateUser('acme', id, (user) => ({
      ...user,
      password: must.password,
      requiredActions: ['change_password'],
    }));
  let id: string;

  beforeAll(async () => {
    const user = await server.services.registry.createUser('acme', {
      ...must,
      roles: [],
      requiredActions: ['change_password'],
    });
    id = user.id;
  });

  it('does so before going on, and is then signed in as wished', async () => {
    await reset();
    const visitor = createVisitor(server.url);
    const form = await signIn(visitor, await visitor.open(requestUrl(server, {})), must, { remember: 'yes' });

    const view = await visitor.submit(form, fresh);

    expect(form.text).toContain('name="new_password"');
    expect(responseOf(view)).toHaveProperty('code');
    expect(visitor.cookie('_session')?.attributes).toHaveProperty('expires');
    expect((await walk(server, { person: { ...must, password: 'new_password_1' } })).asked).toEqual([
      'login',
    ]);
  });

  it.each([
    ['that are not the same', { ...fresh, repeat_password: 'other_password' }],
    ['too short', { new_password: 'short', repeat_password: 'short' }],
    ['that everybody has', { new_password: 'password123', repeat_password: 'password123' }],
    ['that it was before', { new_password: must.password, repeat_password: must.password }],
  ])('cannot take two %s', async (_name, fields) => {
    await reset();
    const visitor = createVisitor(server.url);
    const form = await signIn(visitor, await visitor.open(requestUrl(server, {})), must);

    const view = await visitor.submit(form, fields);

    expect(view.status).toBe(400);
    expect(view.text).toContain('name="new_password"');
  });

  it('cannot use a form that was opened before an operator set another one', async () => {
    await reset();
    const visitor = createVisitor(server.url);
    const form = await signIn(visitor, await visitor.open(requestUrl(server, {})), must);
    await server.services.registry.updateUser('acme', id, (user) => ({
      ...user,
      password: 'set_by_operator',
    }));

    const view = await visitor.submit(form, fresh);

    expect(view.status).not.toBe(303);
    expect(view.text).not.toContain('name="new_password"');
  });

  it('cannot get round it by posting the form of somebody who was never asked', async () => {
    await reset();
    const visitor = createVisitor(server.url);
    const page = await visitor.open(requestUrl(server, {}));

    const view = await visitor.submit(page, fresh);

    expect(view.status).toBe(400);
    expect(kindOf({ ...view, status: 200 })).toBe('login');
  });
});
