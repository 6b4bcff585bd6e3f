/**
 * `guest.refused`: what is not minted has no token, so no trail either, and whoever is refused a million times fills
 * nothing. The log has a line for each.
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

/** Makes something, and tells the log when it is refused. A store that cannot be reached refuses nothing. */
export async function tellingRefusals<Made extends object>(
  { logger }: Pick<TrailDeps, 'logger'>,
  asked: Asked,
  make: () => Promise<Made | Refused>,
): Promise<Made | Refused> {
  const tell = (refusal: string, pointer?: string) => {
    const { realm, client, parent, source } = asked;
    const { ip, origin, userAgent } = source;
    const where = pointer?.slice(0, MAX_POINTER);
    const what = { event: 'guest.refused', refusal, pointer: where, client, parent };
    logger.info({ realm, ...what, ip, origin, user_agent: userAgent }, 'guest trail');
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
