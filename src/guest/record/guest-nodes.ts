/**
 * The revocation nodes that a guest token hangs under, beside its client and parent: its tenant, its subject, its
 * resources and its label. So each of these can be cut with one write. Each node exists twice: for the whole realm,
 * and for what one client minted, because a client may cut only that.
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

/**
 * All nodes above a guest token, each once. Its own family comes first, so that its own document shows a cut of that.
 */
export function nodesOfGuest(record: Hanging): readonly string[] {
  return [...new Set([...ownNodes(record), ...nodesOfPointer(record)])];
}

/**
 * The nodes of its pointer: all but its own family. A cut of the family may spare one token, which is written anew
 * then. The pointer is not written anew: it keeps the time of issue.
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

/** The nodes to subscribe to for somebody who remembers a guest token: by these its death or change is published. */
export function nodesToSubscribe(
  record: Parameters<typeof nodesOfGuest>[0] & Pick<GuestRecord, 'narrowedAt' | 'ancestors'>,
): readonly string[] {
  const nodes = nodesOfGuest(record);
  const mayHangHigher = record.narrowedAt !== undefined || record.ancestors !== undefined;
  return mayHangHigher ? [...nodes, anyResource] : nodes;
}
