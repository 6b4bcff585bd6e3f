/** The page of a link by which a person chooses a password (authn/password-links.ts). */
import { Failure } from '../../../base/errors.ts';
import { sameOrigin } from '../../../http/csrf.ts';
import { annotate } from '../../../http/request-state.ts';
import type { Route, Routed } from '../../../http/routes.ts';
import type { RealmRequest } from '../../../oidc/provider/realm-router.ts';
import type { User } from '../../../registry/model/model.ts';
import { csrfOf, pageContext, publicOrigin, sendPage } from '../ui/context.ts';
import { readForm } from '../ui/form.ts';
import { type PasswordProblem, passwordPage } from '../ui/render.ts';

type Call = Routed<RealmRequest>;

const page = { path: '/account/new-password', who: 'holder' } as const;

export const newPasswordRoutes: readonly Route<Call>[] = [
  { method: 'GET', ...page, handler: async (call) => show(call, await ownerOf(call), []) },
  { method: 'POST', ...page, handler: answer },
];

/** The link stays in the address, which no other site learns (`Referrer-Policy: no-referrer`). */
function linkIn({ ctx }: Call): string {
  const { link } = ctx.query;
  return typeof link === 'string' ? link : '';
}

async function ownerOf(call: Call): Promise<User> {
  const { realm } = call.provider;
  const id = await realm.passwordLinks.userOf(realm.name, linkIn(call));
  const user = id === undefined ? undefined : await realm.registry.findUser(realm.name, id);
  if (user?.enabled !== true) throw new Failure('not_found', 'this link is over');
  return user;
}

function show(call: Call, { username }: User, problems: readonly PasswordProblem[]): void {
  const { ctx, provider } = call;
  const { realm } = provider;
  const address = `${new URL(realm.issuer).pathname}${page.path}?link=${linkIn(call)}`;
  const { minLength } = realm.view.passwords;
  const csrf = csrfOf(realm).token(linkIn(call), 'new-password');
  const html = passwordPage(pageContext(realm, ctx, { address }), {
    action: address,
    csrf,
    username,
    minLength,
    problems,
  });
  sendPage(realm, ctx, html, { status: problems.length > 0 ? 400 : 200 });
}

async function answer(call: Call): Promise<void> {
  const { ctx, provider } = call;
  const { realm, selfService } = provider;
  const user = await ownerOf(call);
  const fields = await readForm(ctx);
  const isOurs = csrfOf(realm).matches(fields.get('csrf'), linkIn(call), 'new-password');
  if (!isOurs || !sameOrigin(ctx, publicOrigin(realm)))
    throw new Failure('forbidden', 'this page has expired');
  const wanted = fields.get('new_password') ?? '';
  if (wanted !== fields.get('repeat_password')) return show(call, user, ['mismatch']);
  const [fault] = await realm.passwords.check(wanted, realm.view.passwords, user);
  if (fault !== undefined) return show(call, user, [fault]);
  if (!(await realm.passwordLinks.spend(realm.name, linkIn(call)))) {
    throw new Failure('not_found', 'this link is over');
  }
  // The password that the person has already is as good: it was typed by whoever holds the link.
  await selfService.setPassword({ request: ctx.req, response: ctx.res }, user, wanted);
  annotate(ctx.req, { outcome: 'password_chosen' });
  ctx.redirect(`${new URL(realm.issuer).pathname}/account`);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
}
