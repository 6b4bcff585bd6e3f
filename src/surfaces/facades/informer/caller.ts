/** Authenticates a caller: the bearer token of a user or client, with the permission that the section requires. */

import { epochSeconds } from '../../../base/clock.ts';
import { sha256 } from '../../../base/hash.ts';
import { clientNode, tokenKey, userNode } from '../../../revocation/nodes.ts';
import { permits } from '../../../tokens/current-rights.ts';
import { subjectOf } from '../../../tokens/introspection.ts';
import type { TokenRecord } from '../../../tokens/record.ts';
import { usableToken } from '../../../tokens/usable.ts';
import type { SectionCall } from '../shared/facade.ts';
import { bearerOf } from '../shared/request.ts';
import { boom } from './errors.ts';
import type { InformerSection } from './options.ts';

export type Caller = {
  /** Subject of the user, or id of the client. */
  readonly id: string;
  /** The nodes that the caller's own tokens hang under. */
  readonly node: string;
  /** Name to show. */
  readonly username: string;
  readonly mayWrite: boolean;
};

export async function authorize(call: SectionCall<InformerSection>, kind: 'read' | 'write'): Promise<Caller> {
  const { section } = call;
  const record = await authenticate(call);
  const mayWrite = holds(call, record, section.writePermission);
  const isAllowed = kind === 'read' ? holds(call, record, section.readPermission) : mayWrite;
  if (!isAllowed) throw boom(403, 'Insufficient scope');
  const { accountId } = record;
  if (accountId === undefined) {
    const id = subjectOf(record);
    return { id, node: clientNode(id), username: id, mayWrite };
  }
  const user = await call.registry.findUser(call.realm.view.name, accountId);
  if (user?.enabled !== true) throw unauthorized();
  return { id: accountId, node: userNode(accountId), username: user.username, mayWrite };
}

async function authenticate(call: SectionCall<InformerSection>): Promise<TokenRecord> {
  const value = bearerOf(call.ctx);
  if (value === undefined) throw boom(401, 'Missing authentication', { 'WWW-Authenticate': 'Bearer' });
  const [document] = await call.store.read([tokenKey(call.realm.view.name, sha256(value))]);
  const record = usableToken(document, { now: epochSeconds(call.clock) });
  if (record === undefined) throw unauthorized();
  return record;
}

function unauthorized() {
  return boom(401, 'Invalid token', { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
}

/** A permission counts only in a token for its API. */
function holds({ realm }: SectionCall<InformerSection>, record: TokenRecord, permission: string): boolean {
  const at = permission.indexOf(':');
  const api = realm.view.apis.find(({ id }) => id === permission.slice(0, at));
  return api !== undefined && permits(record, realm.view, api.audience, permission.slice(at + 1));
}
