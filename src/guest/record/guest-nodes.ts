/**
 * Where a guest token hangs in the revocation tree beside its client and parent: below its tenant, its subject, its
 * resources and its label, so that each can be cut with one write however many tokens there are. Each of these is
 * there twice: for the whole realm, and for what one client minted, because a client cuts only that.
 */

import {
  anyResource,
  type By,
  familyNode,
  labelNode,
  resourceNode,
  subjectNode,
  tenantNode,
  tenantResourceNode,
} from '../../revocation/guest-nodes.ts';
import { clientNode, mintedByNode } from '../../revocation/nodes.ts';
import { familyOf, type GuestRecord } from './guest-record.ts';

type Hanging = Pick<GuestRecord, 'id' | 'family' | 'clientId' | 'granted' | 'inherited'>;

/** Everything above a guest token, each once; its own family comes first, so that its own document shows that cut. */
export function nodesOfGuest(record: Hanging): readonly string[] {
  return [...new Set([...ownNodes(record), ...nodesOfPointer(record)])];
}

/**
 * Where its pointer hangs: not under its own family. A cut of the family may spare one token of it, which is written
 * anew then; its pointer is not, and goes on telling when the token was issued.
 */
export function nodesOfPointer(record: Hanging): readonly string[] {
  const { clientId, granted, inherited } = record;
  const described = [undefined, clientId].flatMap((by) => nodesBy(by, granted));
  const own = ownNodes(record);
  return [...new Set([mintedByNode(clientId), clientNode(clientId), ...inherited, ...described])].filter(
    (name) => !own.includes(name),
  );
}

function ownNodes(record: Hanging): readonly string[] {
  return [familyNode(record.id), familyNode(familyOf(record))];
}

function nodesBy(by: By, { subject, label, resources }: GuestRecord['granted']): readonly string[] {
  const { tenant, id } = subject;
  return [
    tenantNode(by, tenant),
    ...(id === undefined ? [] : [subjectNode(by, tenant, id)]),
    ...(label === undefined ? [] : [labelNode(by, label)]),
    ...resources.flatMap((resource) => [
      resourceNode(by, resource.type, resource.id),
      tenantResourceNode(by, tenant, resource.type, resource.id),
    ]),
  ];
}

/** The nodes by which somebody who remembers a guest token hears of its death, or change. */
export function nodesToSubscribe(
  record: Parameters<typeof nodesOfGuest>[0] & Pick<GuestRecord, 'narrowedAt' | 'ancestors'>,
): readonly string[] {
  const nodes = nodesOfGuest(record);
  const mayHangHigher = record.narrowedAt !== undefined || record.ancestors !== undefined;
  return mayHangHigher ? [...nodes, anyResource] : nodes;
}
