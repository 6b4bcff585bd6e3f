/**
 * Answers the calls of an embed product as the product does, so that its customers change only the base address. A
 * facade knows one product's requests, answers and errors; `guest/` decides what a token may be. No facade knows
 * another.
 */
import type { Context } from 'koa';
import type { Clock } from '../../../base/clock.ts';
import { Failure, type FailureCode } from '../../../base/errors.ts';
import type { Guests } from '../../../guest/guests.ts';
import type { GuestRealm } from '../../../guest/limits/guest-realm.ts';
import { BrokenOff } from '../../../http/body.ts';
import { annotate } from '../../../http/request-state.ts';
import { type Route, type Routed, type Surface, wrapRoutes } from '../../../http/routes.ts';
import type { BruteForceGuard } from '../../../limits/brute-force.ts';
import { TooMany, waitFields } from '../../../limits/too-many.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { RealmView } from '../../../registry/model/realm-view.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Seal } from '../../../registry/store/records.ts';
import type { Store } from '../../../storage/port/port.ts';
import type { CommonSection } from './options.ts';
import { type AnySection, anySection, type SectionRules } from './section.ts';

type FacadeDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly guests: Guests;
  readonly bruteForce: BruteForceGuard;
  readonly registry: Registry;
  readonly seal: Seal;
  readonly logger: Logger;
};

/** One revision of a realm. */
export type FacadeRealm = { readonly view: RealmView; readonly guest: GuestRealm };

export type FacadeCall = FacadeDeps & {
  readonly ctx: Context;
  readonly realm: FacadeRealm;
  /** Shows the page for a link that leads nowhere, or nowhere now, in a frame of these origins too. The status is set. */
  showLinkProblem(kind: 'not_found' | 'unavailable', framedBy: readonly string[]): void;
};

/** A call below a section. */
export type SectionCall<Section> = Routed<FacadeCall> & { readonly section: Section };

/** What can go wrong with any call. */
export type Trouble =
  | 'bad_address'
  | 'encoded_body'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'too_many_requests'
  | 'unavailable'
  | 'internal';

/** An answer in a product's own error shape, thrown by its routes. */
export class FacadeError extends Error {
  readonly status: number;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: object, headers: Readonly<Record<string, string>> = {}) {
    super(`answered ${status}`);
    this.name = 'FacadeError';
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export type Facade = Surface<FacadeCall> & { readonly section: AnySection };

type Definition<Section extends CommonSection> = {
  readonly name: string;
  readonly section: SectionRules<Section>;
  readonly routes: readonly Route<SectionCall<Section>>[];
  /** The product's answer to a trouble. */
  say(trouble: Trouble): FacadeError;
};

/** The surface of a product, in realms that have its section. */
export function createFacade<Section extends CommonSection>(definition: Definition<Section>): Facade {
  const { name, routes, say } = definition;
  const sectionOf = sectionReader(definition);

  async function answer(call: Routed<FacadeCall>, handler: Route<SectionCall<Section>>['handler']) {
    annotate(call.ctx.req, { client: `compat:${name}` });
    const section = sectionOf(call.realm.view);
    if (section === undefined) throw new Error(`${name} is not there`);
    try {
      await handler({ ...call, section });
    } catch (error) {
      write(call.ctx, errorOf(definition, call, error));
    }
  }

  return {
    name,
    section: anySection(definition.section),
    isThere: ({ realm }) => {
      const section = sectionOf(realm.view);
      return section !== undefined && section.enabled !== false;
    },
    routes: wrapRoutes(routes, answer),
    refuse: (ctx, { kind }) => {
      annotate(ctx.req, { client: `compat:${name}` });
      write(ctx, say(kind));
    },
    tellOutage: (ctx) => {
      ctx.set('Retry-After', '1');
      write(ctx, say('unavailable'));
    },
  };
}

function write(ctx: Context, { status, headers, body }: FacadeError): void {
  ctx.set({ ...headers });
  ctx.status = status;
  ctx.body = body;
}

/**
 * The section of a revision, parsed once. A section that no realm file could contain is a bug, and lets nobody in.
 */
function sectionReader<Section extends CommonSection>({ name, section: { schema } }: Definition<Section>) {
  const read = new WeakMap<object, Section>();
  return (view: RealmView): Section | undefined => {
    const given = view.compat?.[name];
    if (given === undefined) return undefined;
    const section = read.get(given) ?? schema.parse(given);
    read.set(given, section);
    return section;
  };
}

const troubleOf = {
  invalid_input: 'internal',
  not_found: 'internal',
  conflict: 'unavailable',
  // The section was disabled during the mint.
  forbidden: 'unavailable',
  busy: 'unavailable',
  too_many_requests: 'too_many_requests',
  unavailable: 'unavailable',
} as const satisfies Record<FailureCode, Trouble>;

function errorOf(
  { name, say }: Pick<Definition<CommonSection>, 'name' | 'say'>,
  { ctx, logger, realm }: FacadeCall,
  error: unknown,
): FacadeError {
  // Answered by nobody, and told apart from what went wrong here (http/failures.ts).
  if (error instanceof BrokenOff) throw error;
  if (error instanceof FacadeError) return error;
  const trouble = error instanceof Failure ? troubleOf[error.code] : 'internal';
  if (trouble === 'internal') {
    const requestId = ctx.response.get('X-Request-Id');
    logger.error({ requestId, realm: realm.view.name, facade: name, err: error }, 'unexpected error');
  }
  if (trouble === 'unavailable') ctx.set('Retry-After', '1');
  if (error instanceof TooMany) ctx.set({ ...waitFields(error) });
  return say(trouble);
}
