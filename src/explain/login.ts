/** Why somebody is not let in. */
import { countedAs } from '../authn/lockout.ts';
import { type Draft, ofRealm, ofUser, type Reason } from './answer.ts';
import type { ExplainDeps } from './deps.ts';

/** `login`: a user name or e-mail address. */
export async function explainLogin(deps: ExplainDeps, login: string): Promise<Draft> {
  const { registry, realm, lockout } = deps;
  const found = await registry.findUserByLogin(realm.name, login);
  if (found === undefined) {
    const detail = 'nobody of the realm has this user name or e-mail address';
    return { verdict: 'refused', reasons: [{ rule: 'user.unknown', detail }], about: {} };
  }
  const { user } = found;
  const locked = await lockout.lockedFor({ realm, step: 'password', who: countedAs(user) });
  const reasons: Reason[] = [
    ...(realm.enabled
      ? []
      : [{ rule: 'realm.disabled', detail: 'the realm is disabled', ...ofRealm('enabled') }]),
    ...(user.enabled
      ? []
      : [{ rule: 'user.disabled', detail: 'the user is disabled', ...ofUser(user, 'enabled') }]),
    ...(locked === 0
      ? []
      : [
          {
            rule: 'user.locked',
            detail: `too many wrong passwords: locked for ${locked} seconds more; a new password or an unlock ends it`,
            ...ofRealm('passwords.lockAfter'),
          },
        ]),
    ...(user.passwordHash === undefined
      ? [{ rule: 'password.none', detail: 'the user has no password yet: make a link to choose one' }]
      : []),
  ];
  const asked = user.requiredActions.map((action) => ({
    rule: 'action.required',
    detail: `at the next login the person is asked for ${action}; the password grant is refused until then`,
    ...ofUser(user, 'requiredActions'),
  }));
  return {
    verdict: reasons.length === 0 ? 'allowed' : 'refused',
    reasons: [...reasons, ...asked],
    about: { user: user.username, id: user.id, roles: user.roles },
  };
}
