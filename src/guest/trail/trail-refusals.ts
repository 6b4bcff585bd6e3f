/**
 * `guest.refused`: what is not minted has no token, so no trail either, and whoever is refused a million times fills
 * nothing. Each is an event.
 */
import { Failure } from '../../base/errors.ts';
import { isRefused, type Refused } from '../grant/refusal.ts';
import type { Source, TrailDeps } from './trail.ts';

type Asked = {
  readonly realm: string;
  /** Absent when nobody knows whose token it would have been. */
  readonly client?: string | undefined;
  readonly parent?: string | undefined;
  readonly source: Source;
};

/** Pointers may be made of names that the caller invented. */
const MAX_POINTER = 256;

/** Makes something, and emits an event when it is refused. A store that cannot be reached refuses nothing. */
export async function emittingRefusals<Made extends object>(
  { events }: Pick<TrailDeps, 'events'>,
  asked: Asked,
  make: () => Promise<Made | Refused>,
): Promise<Made | Refused> {
  const tell = (refusal: string, pointer?: string) => {
    const { realm, client, parent, source } = asked;
    const { ip, origin, userAgent } = source;
    const where = pointer?.slice(0, MAX_POINTER);
    const details = { refusal, pointer: where, client, parent, ip, origin, user_agent: userAgent };
    events.emit({ type: 'guest', realm, event: 'guest.refused', details });
  };
  try {
    const made = await make();
    const [first] = isRefused(made) ? made.refused : [];
    if (first !== undefined) tell(first.code, first.pointer);
    return made;
  } catch (error) {
    if (error instanceof Failure && error.code !== 'unavailable') tell(error.code);
    throw error;
  }
}
