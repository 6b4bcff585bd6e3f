/**
 * `guest.refused`: a refused mint has no token and so no trail. It is emitted as an event and written nowhere, so
 * that refusals cannot fill the store.
 */
import { Failure } from '../../base/errors.ts';
import { isRefused, type Refused } from '../grant/refusal.ts';
import type { Source, TrailDeps } from './trail.ts';

type Asked = {
  readonly realm: string;
  /** Absent when it is not known whose token it would have been. */
  readonly client?: string | undefined;
  readonly parent?: string | undefined;
  readonly source: Source;
};

/** A pointer may hold names that the caller invented, so its length is bounded. */
const MAX_POINTER = 256;

/** Runs `make` and emits an event when it is refused. An unreachable store is no refusal. */
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
    events.emit({ type: 'guest', realm, event: 'guest.refused', details, by: source.by, source });
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
