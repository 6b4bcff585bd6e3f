/** A person's own page: pending requests, sessions, consents, password. */
import { type ScopeAsked, scopeSentences, webAddress } from '../ui/consent-facts.ts';
import { draw, type PageContext } from '../ui/draw.ts';
import { type Form, type PasswordData, passwordFields, passwordProblem } from '../ui/render.ts';
import type { Texts } from '../ui/texts.ts';
import { describeAgent, isPhone } from '../ui/user-agent.ts';

export type AccountNotice =
  | 'session_ended'
  | 'sessions_ended'
  | 'consent_withdrawn'
  | 'password_changed'
  | 'request_approved'
  | 'request_denied';

/** All times are seconds since the epoch. */
export type AccountSession = {
  readonly id: string;
  /** The User-Agent header it began with; empty when unknown. */
  readonly agent: string;
  readonly startedAt: number;
  readonly clientNames: readonly string[];
  readonly isCurrent: boolean;
};

export type AccountConsent = {
  readonly clientId: string;
  readonly clientName: string;
  readonly clientLogo?: string | undefined;
  readonly isVerified: boolean;
  readonly scopes: readonly ScopeAsked[];
  readonly givenAt: number;
};

/** A CIBA request that waits for its person (OpenID CIBA Core §5). */
export type PendingRequest = {
  readonly id: string;
  readonly clientName: string;
  readonly clientLogo?: string | undefined;
  readonly bindingMessage?: string | undefined;
  readonly scopes: readonly ScopeAsked[];
  readonly expiresAt: number;
};

export type AccountData = {
  readonly now: number;
  readonly user: { readonly username: string; readonly name?: string | undefined };
  readonly sessions: readonly AccountSession[];
  readonly consents: readonly AccountConsent[];
  readonly pending: readonly PendingRequest[];
  readonly password: Omit<PasswordData, 'username'>;
  /** The result of the last form. */
  readonly notice?: AccountNotice | undefined;
  readonly forms: {
    /** Posts `id` of a session; of the current one it is "sign out". */
    readonly endSession: Form;
    readonly endOtherSessions: Form;
    /** Posts the client's `id`. */
    readonly withdraw: Form;
    /** Posts `current_password`, `new_password` and `repeat_password`. */
    readonly changePassword: Form;
    /** Posts `id` and `decision=approve` or `decision=deny`. */
    readonly decide: Form;
  };
};

/** Every form also posts its own `csrf`. */
export function accountPage(page: PageContext, data: AccountData): string {
  const { texts } = page;
  const { now, user, notice } = data;
  const password = { ...data.password, username: user.username };
  return draw('account', page, {
    heading: texts.say('account.title'),
    forms: data.forms,
    user: { label: user.name ?? user.username },
    username: user.username,
    signOut: data.sessions.find(({ isCurrent }) => isCurrent)?.id,
    said: notice && texts.say(`account.notice.${notice}`),
    pending: data.pending.map((request) => presentRequest(request, texts, now)),
    sessions: data.sessions.map((session) => presentSession(session, texts, now)),
    hasOtherSessions: data.sessions.some(({ isCurrent }) => !isCurrent),
    consents: data.consents.map((consent) => presentConsent(consent, texts, now)),
    problem: passwordProblem(password, texts),
    passwordFields: passwordFields(password, texts, ['current', 'new', 'repeat']),
  });
}

function presentSession(session: AccountSession, texts: Texts, now: number) {
  return {
    id: session.id,
    isCurrent: session.isCurrent,
    isPhone: isPhone(session.agent),
    device: describeAgent(session.agent, texts),
    since: isoTime(session.startedAt),
    when: texts.relative(session.startedAt, now),
    clients: texts.list(session.clientNames),
  };
}

function presentConsent(consent: AccountConsent, texts: Texts, now: number) {
  return {
    clientId: consent.clientId,
    clientName: consent.clientName,
    logo: webAddress(consent.clientLogo),
    isVerified: consent.isVerified,
    sentences: scopeSentences(consent.scopes, texts),
    since: isoTime(consent.givenAt),
    when: texts.relative(consent.givenAt, now),
  };
}

function presentRequest(request: PendingRequest, texts: Texts, now: number) {
  return {
    id: request.id,
    clientName: request.clientName,
    logo: webAddress(request.clientLogo),
    message: request.bindingMessage,
    sentences: scopeSentences(request.scopes, texts),
    expires: texts.relative(request.expiresAt, now),
  };
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
