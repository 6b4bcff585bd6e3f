/** Tokens as Informer shows them. */
import type { FacadeRealm } from '../shared/facade.ts';
import { isoTime } from '../shared/minting.ts';
import type { Caller } from './caller.ts';
import { linkTo } from './public-link.ts';
import { isPersonal } from './token-request.ts';
import type { Token } from './tokens.ts';

/** A token as this caller may see it. */
type Seen = Omit<Token, 'token'> & { readonly token: string | null };

/**
 * The value is shown to callers who could make such a token: those with the write permission and, for a personal
 * token, its owner. The value of a public link is shown to all.
 */
export function seenBy({ mayWrite, node }: Caller, token: Token): Seen {
  const isOwn = !isPersonal(token) || token.owners.includes(node);
  const isShown = token.isCloud || (mayWrite && isOwn);
  return isShown ? token : { ...token, token: null };
}

/** Paths of this server, so that links resolve: below the realm. */
function linksTo({ guest }: FacadeRealm, path: string) {
  return { _links: { self: { href: `${new URL(guest.issuer).pathname}${path}` } } };
}

/** The object of `/api/tokens`. */
export function presentToken(realm: FacadeRealm, token: Seen): object {
  const { id, username, type, readOnly, data } = token;
  return {
    id,
    username,
    type,
    notes: token.notes ?? null,
    token: token.token,
    readOnly,
    ...presentRestriction(token),
    reportId: token.reportId ?? null,
    datasourceId: token.datasourceId ?? null,
    assistantId: token.assistantId ?? null,
    ...presentRareBindings(token),
    createdAt: isoTime(token.createdAt),
    data: data ?? {},
    ...linksTo(realm, `/api/tokens/${id}`),
  };
}

function presentRestriction({ restrict, host, cidr }: Seen): object {
  return restrict === 'host' ? { restrict, host } : { restrict: restrict ?? null, cidr: cidr ?? null };
}

function presentRareBindings({ visualId, datasetId, queryId }: Seen): object {
  return {
    ...(visualId === undefined ? {} : { visualId }),
    ...(datasetId === undefined ? {} : { datasetId }),
    ...(queryId === undefined ? {} : { queryId }),
  };
}

/** An entry of a report's tokens. */
export function presentReportToken(realm: FacadeRealm, token: Seen): object {
  const { id, type, reportId, isCloud } = token;
  return {
    id,
    type,
    reportId,
    token: token.token,
    cloud: isCloud,
    ...(isCloud && token.token !== null ? { url: linkTo(realm, token.token) } : {}),
    createdAt: isoTime(token.createdAt),
    ...linksTo(realm, `/api/tokens/${id}`),
  };
}

/** What publishing answers. */
export function presentPublished(realm: FacadeRealm, token: Token): object {
  const { id, type, reportId, createdAt } = token;
  return {
    id,
    type,
    reportId,
    token: token.token,
    url: linkTo(realm, token.token),
    createdAt: isoTime(createdAt),
    ...linksTo(realm, `/api/tokens/${id}`),
  };
}

export function presentList(realm: FacadeRealm, all: readonly Seen[], start: number, limit: number): object {
  const shown = all.slice(start, start + limit);
  return {
    ...linksTo(realm, '/api/tokens'),
    _embedded: { 'inf:token': shown.map((token) => presentToken(realm, token)) },
    start,
    count: shown.length,
    total: all.length,
  };
}

export function addressOf({ guest }: FacadeRealm, { id }: Pick<Token, 'id'>): string {
  return `${guest.issuer}/api/tokens/${id}`;
}
