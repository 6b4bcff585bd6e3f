/**
 * The calls of other products, answered as they answer them, so that who embeds with one of them changes the base
 * address and nothing else. A facade knows one product's requests, answers and errors; what a token may be is decided
 * in `guest/`. No facade knows another.
 */
import type { Context } from 'koa';
import type { z } from 'zod';
import type { Clock } from '../../../base/clock.ts';
import { Failure, type FailureCode } from '../../../base/errors.ts';
import type { Guests } from '../../../guest/guests.ts';
import type { GuestRealm } from '../../../guest/limits/guest-realm.ts';
import { annotate } from '../../../http/request-state.ts';
import { apiHeaders } from '../../../http/security-headers.ts';
import type { BruteForceGuard } from '../../../limits/brute-force.ts';
import { TooMany, waitFields } from '../../../limits/too-many.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { RealmView } from '../../../registry/model/realm-view.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Seal } from '../../../registry/store/records.ts';
import type { Store } from '../../../storage/port/port.ts';
import type { CommonSection } from './options.ts';

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
  /** Shows a person that the link they followed leads nowhere (any more). The status is set. */
  showDeadLink(): void;
};

/** A call below a section. `params` are the decoded groups of the route's path. */
export type SectionCall<Section> = FacadeCall & {
  readonly section: Section;
  readonly params: readonly string[];
};

export type Route<Section> = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: RegExp;
  /** Pages of any origin may call it, without credentials of the browser. */
  readonly isOpen?: boolean;
  answer(call: SectionCall<Section>): Promise<void>;
};

/** What can go wrong with any call. */
export type Trouble =
  | 'bad_address'
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

type Facade = {
  /** Answers what lies at one of its addresses (relative to the realm); `false` for everything else. */
  answer(call: FacadeCall, path: string): Promise<boolean>;
  /** True for paths that it has a route for, in whichever realm. */
  knows(path: string): boolean;
  /** Answers a trouble that kept the realm from being found. */
  tell(ctx: Context, trouble: Trouble): void;
};

type Definition<Section extends CommonSection> = {
  readonly name: 'databrain' | 'semaphor' | 'informer';
  readonly schema: z.ZodType<Section>;
  readonly routes: readonly Route<Section>[];
  /** A trouble as the product would tell it. */
  say(trouble: Trouble): FacadeError;
};

export function createFacade<Section extends CommonSection>(definition: Definition<Section>): Facade {
  const { name, routes } = definition;
  const sectionOf = sectionReader(definition);

  async function answer(call: FacadeCall, path: string): Promise<boolean> {
    const here = routes.filter((route) => route.path.test(path));
    const section = here.length === 0 ? undefined : sectionOf(call.realm.view);
    if (section === undefined || section.enabled === false) return false;
    const { ctx } = call;
    annotate(ctx.req, { route: name, client: `compat:${name}` });
    ctx.set({ ...apiHeaders({ isHttps: call.realm.guest.issuer.startsWith('https:') }) });
    try {
      await answerAt(definition, here, { ...call, section, path });
    } catch (error) {
      write(ctx, errorOf(definition, call, error));
    }
    return true;
  }

  return {
    answer,
    knows: (path) => routes.some((route) => route.path.test(path)),
    tell: (ctx, trouble) => {
      if (trouble === 'unavailable') ctx.set('Retry-After', '1');
      write(ctx, definition.say(trouble));
    },
  };
}

function write(ctx: Context, { status, headers, body }: FacadeError): void {
  ctx.set({ ...headers });
  ctx.status = status;
  ctx.body = body;
}

/** The section of a revision, read once. One that no realm file could have is a bug, and nobody is let in by it. */
function sectionReader<Section>({
  name,
  schema,
}: Pick<Definition<Section & CommonSection>, 'name' | 'schema'>) {
  const read = new WeakMap<object, Section>();
  return (view: RealmView): Section | undefined => {
    const given = view.compat?.[name];
    if (given === undefined) return undefined;
    const section = read.get(given) ?? schema.parse(given);
    read.set(given, section);
    return section;
  };
}

async function answerAt<Section extends CommonSection>(
  { say }: Definition<Section>,
  here: readonly Route<Section>[],
  call: FacadeCall & { readonly section: Section; readonly path: string },
): Promise<void> {
  const { ctx, path } = call;
  const isOpen = here.some((route) => route.isOpen === true);
  if (isOpen) ctx.set('Access-Control-Allow-Origin', '*');
  if (isOpen && ctx.method === 'OPTIONS') return answerPreflight(ctx, here);
  const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
  const route = here.find((one) => one.method === method);
  if (route === undefined) {
    // RFC 9110 §15.5.6.
    ctx.set('Allow', here.map((one) => one.method).join(', '));
    throw say('method_not_allowed');
  }
  const params = (route.path.exec(path) ?? []).slice(1).map((text) => decoded(text));
  if (params.includes(undefined)) throw say('bad_address');
  await route.answer({ ...call, params: params.flatMap((text) => text ?? []) });
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function answerPreflight(ctx: Context, here: readonly Pick<Route<unknown>, 'method'>[]): void {
  ctx.status = 204;
  ctx.set('Access-Control-Allow-Methods', here.map(({ method }) => method).join(', '));
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
  ctx.set('Access-Control-Max-Age', '3600');
}

const troubleOf = {
  invalid_input: 'internal',
  not_found: 'internal',
  conflict: 'unavailable',
  // The section was switched off while it was minting.
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
