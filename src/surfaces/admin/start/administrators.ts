/**
 * The first administrator. There is no password that anybody could know beforehand: either somebody at the command line
 * gives one, or a link that a new production server prints lets whoever reads it choose one, once.
 */
import type { PasswordLinks } from '../../../authn/password-links.ts';
import { isFailure } from '../../../base/errors.ts';
import { adminApi } from '../../../registry/model/built-in-api.ts';
import type { User } from '../../../registry/model/model.ts';
import type { Registry } from '../../../registry/registry.ts';

/** The role that gives every permission of administration. */
export const ADMINISTRATOR = 'administrator';

/** The user that the link of a new server is for. */
const FIRST = 'admin';

/** Seconds that the link is good for. */
const LINK_TTL = 1800;

type Person = Pick<User, 'username'> & Partial<Pick<User, 'email' | 'name' | 'password'>>;

/**
 * Adds a user who may everything, to a realm that is created where there is none. Rejects with
 * `Failure('conflict')` when the name is taken.
 */
export async function createAdministrator(registry: Registry, realm: string, person: Person): Promise<User> {
  await prepareRealm(registry, realm);
  return registry.createUser(realm, { ...person, roles: [ADMINISTRATOR] });
}

async function prepareRealm(registry: Registry, name: string): Promise<void> {
  const role = {
    name: ADMINISTRATOR,
    permissions: adminApi.permissions.map((permission) => `${adminApi.id}:${permission.name}`),
  };
  if ((await registry.readRealm(name)) === undefined) {
    const made = await registry
      .createRealm({ name, displayName: 'Daypass', roles: [role] })
      .catch((error: unknown) => {
        // Another process has just made it.
        if (!isFailure(error, 'conflict')) throw error;
      });
    if (made !== undefined) return;
  }
  await registry.updateRealm(name, (settings) => {
    const hasRole = settings.roles.some((one) => one.name === ADMINISTRATOR);
    return hasRole ? settings : { ...settings, roles: [...settings.roles, { ...role, includes: [] }] };
  });
}

type Setting = {
  readonly registry: Registry;
  readonly passwordLinks: PasswordLinks;
  readonly publicUrl: string;
  readonly adminRealm: string;
};

/**
 * A link by which the first administrator chooses a password, as long as nobody administers this server. `undefined`
 * when somebody does, or when the administrators' realm is one that the operator has made.
 */
export async function setUpLink({
  registry,
  passwordLinks,
  publicUrl,
  adminRealm,
}: Setting): Promise<string | undefined> {
  const isNew = (await registry.readRealm(adminRealm)) === undefined;
  const first = isNew
    ? await createFirst(registry, adminRealm)
    : (await registry.findUserByLogin(adminRealm, FIRST))?.user;
  if (first === undefined || first.passwordHash !== undefined || !first.roles.includes(ADMINISTRATOR)) {
    return undefined;
  }
  const { value } = await passwordLinks.create(adminRealm, first.id, LINK_TTL);
  return `${publicUrl}/realms/${adminRealm}/account/new-password?link=${value}`;
}

/** `undefined` when another process was faster: it prints a link of its own. */
async function createFirst(registry: Registry, realm: string): Promise<User | undefined> {
  try {
    return await createAdministrator(registry, realm, { username: FIRST });
  } catch (error) {
    if (!isFailure(error, 'conflict')) throw error;
    return undefined;
  }
}
