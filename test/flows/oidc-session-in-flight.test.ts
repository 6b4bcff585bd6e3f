/** A session that cannot be saved, which the library does last of all: what its person then sees. */
import { afterEach, describe, expect, it } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { callback, obtain, requestUrl } from '../support/authorization.ts';
import { createGate } from '../support/gate.ts';
import { engines } from '../support/raw-store.ts';
import { useServerOn } from '../support/use-server.ts';
import { createVisitor, responseOf, type View, type Visitor } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

describe.each(engines)('on %s', (_name, open) => {
  const gate = createGate();
  const { server } = useServerOn(open, {
    realms: [browserRealm()],
    adapt: (services) => ({ ...services, store: unlessDown(gate.through(services.store)) }),
  });

  let isDown = false;
  const unlessDown = (store: Store): Store => ({
    ...store,
    commit: (writes) =>
      isDown ? Promise.reject(new Failure('unavailable', 'no store')) : store.commit(writes),
  });
  afterEach(() => {
    isDown = false;
  });

  const person = { username: 'ada', password: 'ada_password' };

  async function endEverySession(): Promise<void> {
    const ada = await server.services.registry.findUserByLogin('acme', person.username);
    for (const enabled of [false, true]) {
      await server.services.registry.updateUser('acme', ada?.user.id ?? '', (user) => ({ ...user, enabled }));
    }
  }

  async function interrupted(visit: () => Promise<View>): Promise<View> {
    const held = gate.hold();
    const view = visit();
    await held.arrived;
    await endEverySession();
    held.open();
    return view;
  }

  const signedIn = async (): Promise<Visitor> => (await obtain(server, { person })).visitor;

  it('shows a page at logout, not a fault and not JSON', async () => {
    const visitor = await signedIn();

    const view = await interrupted(() => visitor.visit(server.endpoint('acme', 'logout')));

    expect(view.status).toBe(400);
    expect(view.headers.get('content-type')).toContain('text/html');
    expect(view.text).toContain('This page has expired');
  });

  it.each([
    ['asks to sign out', (visitor: Visitor) => visitor.visit(server.endpoint('acme', 'logout'))],
    ['opens the device page', (visitor: Visitor) => visitor.visit('/realms/acme/device')],
    ['posts a code without a session', () => createVisitor(server.url).post('/realms/acme/device', {})],
    ['is sent here to sign in', (visitor: Visitor) => visitor.visit(requestUrl(server, {}))],
  ])('tells who %s of an outage by a page', async (_what, visit) => {
    const visitor = await signedIn();
    isDown = true;

    const view = await visit(visitor);

    expect(view.status).toBe(503);
    expect(view.headers.get('retry-after')).toBe('1');
    expect(view.text).toContain('Back in a moment');
  });

  it('lets the logout be asked for again', async () => {
    const visitor = await signedIn();
    await interrupted(() => visitor.visit(server.endpoint('acme', 'logout')));

    const again = await visitor.open(server.endpoint('acme', 'logout'));

    expect(again.status).toBe(200);
    expect(again.text).toContain('You are signed out');
  });

  it('answers a program at logout with JSON', async () => {
    const visitor = await signedIn();
    const cookie = `_session=${visitor.cookie('_session')?.value}; _session.sig=${visitor.cookie('_session.sig')?.value}`;

    const held = gate.hold();
    const answer = fetch(server.endpoint('acme', 'logout'), {
      headers: { accept: 'application/json', cookie },
    });
    await held.arrived;
    await endEverySession();
    held.open();

    expect((await answer).status).toBe(400);
    expect(await (await answer).json()).toMatchObject({ error: 'login_required' });
  });

  it('sends an authorization request back to its client with a code that OIDC Core §3.1.2.6 knows', async () => {
    const visitor = await signedIn();

    const view = await interrupted(() => visitor.visit(requestUrl(server, { params: { state: 'st' } })));

    expect(view.location?.href.startsWith(callback)).toBe(true);
    expect(responseOf(view)).toMatchObject({ error: 'login_required', state: 'st' });
    expect(responseOf(view)).not.toHaveProperty('code');
  });
});
