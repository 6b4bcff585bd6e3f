/** What a change cut, in words: what is dead now, and what lives on because nobody asks about it. Pure. */
import type { RealmSettings } from '../../../registry/model/model.ts';
import type { Write } from '../../../storage/port/port.ts';

/** `all`: everything of the thing itself; `minted`: only guest tokens that it has minted. */
export type Cut = 'all' | 'minted';

/** What these writes kill of the thing with this revocation node; `undefined` when nothing. */
export function cutBy(writes: readonly Write[], node: string): Cut | undefined {
  const nodes = writes.flatMap((write) => {
    if ('cut' in write) return [write.cut];
    return 'close' in write ? [write.close] : [];
  });
  if (nodes.includes(node)) return 'all';
  return nodes.length > 0 ? 'minted' : undefined;
}

/** Seconds that a JWT access token of the realm can live at most, as it is set now; `undefined` when it has none. */
export function longestJwtLife({
  apis,
  lifetimes,
}: Pick<RealmSettings, 'apis' | 'lifetimes'>): number | undefined {
  const lives = apis.flatMap(({ tokens }) =>
    tokens.format === 'jwt' ? [tokens.ttl ?? lifetimes.accessToken] : [],
  );
  return lives.length === 0 ? undefined : Math.max(...lives);
}

export type Effect = {
  readonly cut: Cut;
  /** What was changed. */
  readonly what: 'user' | 'client' | 'realm' | 'section';
  /** How many sessions there were, where they were counted. */
  readonly sessions?: number | undefined;
  readonly jwtLife: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** One sentence of what is dead, and one of what lives on (RFC 9068 §4: a JWT can be verified without asking). */
export function effectText({ cut, what, sessions, jwtLife, now }: Effect): string {
  if (cut === 'minted') {
    return `Dead now: every guest token that the ${what} minted. ${GUESTS_ALONE}`;
  }
  const counted = sessions === undefined ? '' : `${sessionsText(sessions)} and `;
  const dead = `Dead now: ${counted}every token of the ${what}.`;
  if (what === 'section') return `${dead} ${GUESTS_ALONE}`;
  if (jwtLife === undefined)
    return `${dead} Nothing lives on but guest tokens as JWT that are not introspected.`;
  const until = new Date(now + jwtLife * 1000).toISOString();
  return `${dead} JWTs that are not introspected live on: access tokens until ${until} at most, guest tokens until their own end.`;
}

const GUESTS_ALONE = 'Those that are JWTs and are not introspected live on until their own end.';

/** At most a hundred are listed. */
function sessionsText(count: number): string {
  if (count >= 100) return '100 sessions or more';
  return count === 1 ? '1 session' : `${count} sessions`;
}

/** The header of an answer to a change that cut something. */
export function effectHeader(effect: string | undefined): Readonly<Record<string, string>> {
  return effect === undefined ? {} : { 'Daypass-Effect': effect };
}
