/**
 * The pages of a login: one pure function each, data → HTML document. They know no request and no store; whoever
 * calls them sets the headers (http/security-headers.ts) and checks what their forms send.
 */
import type { UserCodeProblem } from '../../../oidc/realm/ui-port.ts';
import type { PasswordFault } from '../../../registry/passwords/passwords.ts';
import {
  type AuthorizationDetail,
  describeDetails,
  describeReturn,
  type ScopeAsked,
  scopeSentences,
  webAddress,
} from './consent-facts.ts';
import { draw, type PageContext } from './draw.ts';
import type { Texts } from './texts.ts';
import { describeAgent } from './user-agent.ts';

/** A form of ours: where it is posted and the token it carries as `csrf`. */
export type Form = { readonly action: string; readonly csrf: string };

/** A form of the library's: where it is posted and the secret it carries as `xsrf`. */
export type LibraryForm = { readonly action: string; readonly xsrf: string };

export type LoginError = 'credentials' | 'locked' | 'disabled' | 'busy' | 'expired';

export type LoginData = Form & {
  readonly loginHint?: string | undefined;
  readonly error?: LoginError | undefined;
  /** Whether to offer staying signed in, and whether the box is ticked. */
  readonly rememberMe: boolean;
  readonly remembered?: boolean;
  /** Absent when somebody signs in for the account page. */
  readonly clientName?: string | undefined;
  readonly clientLogo?: string | undefined;
  /** What a client says of itself is shown here too: many are never asked about (OIDC Registration §2). */
  readonly clientPolicy?: string | undefined;
  readonly clientTos?: string | undefined;
  /** Where a second form, with the same token, gives up. */
  readonly cancelAction?: string | undefined;
};

/** Posts `username`, `password`, `csrf`, and `remember=yes` when ticked. */
export function loginPage(page: PageContext, data: LoginData): string {
  const { say } = page.texts;
  return draw('login', page, {
    ...data,
    clientLogo: webAddress(data.clientLogo),
    client: data.clientName && {
      name: data.clientName,
      policy: webAddress(data.clientPolicy),
      tos: webAddress(data.clientTos),
    },
    heading: say('login.title'),
    problem: data.error && say(`login.error.${data.error}`),
    isWrong: data.error === 'credentials',
  });
}

export type ConsentData = Form & {
  readonly client: {
    readonly name: string;
    readonly logo?: string | undefined;
    readonly website?: string | undefined;
    readonly policy?: string | undefined;
    readonly tos?: string | undefined;
    /** False for a client that registered itself: the page warns (OWASP ASVS 10.4.7). */
    readonly isVerified: boolean;
  };
  /** Absent where nobody is sent back, as with a device. */
  readonly redirectUri?: string | undefined;
  readonly userName: string;
  readonly scopes: readonly ScopeAsked[];
  readonly authorizationDetails?: readonly AuthorizationDetail[];
  /** Seconds until the access ends for good, and whether it outlives the session (`offline_access`). */
  readonly lasts: { readonly seconds: number; readonly offline: boolean };
};

/** Posts `decision=allow` or `decision=deny`, and `csrf`. Throws as `describeDetails` does. */
export function consentPage(page: PageContext, data: ConsentData): string {
  const { texts } = page;
  const { client, lasts } = data;
  const kind = lasts.offline ? 'consent.lasts.offline' : 'consent.lasts.session';
  return draw('consent', page, {
    ...data,
    client: {
      ...client,
      logo: webAddress(client.logo),
      website: webAddress(client.website),
      policy: webAddress(client.policy),
      tos: webAddress(client.tos),
    },
    hostOf: (address: string) => new URL(address).host,
    heading: texts.say('consent.title', { client: client.name }),
    sentences: scopeSentences(data.scopes, texts),
    details: describeDetails(data.authorizationDetails ?? []),
    lasts: texts.say(kind, { duration: texts.duration(lasts.seconds) }),
    returnsTo: data.redirectUri && describeReturn(data.redirectUri, texts),
  });
}

export type LogoutData = LibraryForm & {
  readonly clientName?: string | undefined;
  /** Where to go for who stays: the account page, as the client need not be told. */
  readonly stayHref: string;
};

/** Posts `logout=yes` and `xsrf`. */
export function logoutPage(page: PageContext, data: LogoutData): string {
  return draw('logout', page, { ...data, heading: page.texts.say('logout.title') });
}

export type LoggedOutData = {
  /** The client to go back to, if one is known. */
  readonly client?: { readonly name: string; readonly website: string } | undefined;
  /** The address that the client asked for. */
  readonly target?: string | undefined;
};

export function loggedOutPage(page: PageContext, { client, target }: LoggedOutData): string {
  const { say } = page.texts;
  const website = webAddress(client?.website);
  const back = client &&
    website && { href: website, label: say('loggedOut.return', { client: client.name }) };
  return draw('outcome', page, {
    heading: say('loggedOut.title'),
    text: say('loggedOut.text'),
    link: linkTo(page, target) || back || { href: `${page.basePath}/account`, label: say('loggedOut.again') },
  });
}

export type LeavingData = { readonly target: string; readonly clientName: string };

/** Before the browser goes to an address that nobody has looked at. */
export function leavingPage(page: PageContext, { target, clientName }: LeavingData): string {
  const { say } = page.texts;
  return draw('outcome', page, {
    heading: say('leaving.title'),
    text: say('leaving.text', { client: clientName, realm: page.realm.displayName }),
    isProblem: true,
    link: linkTo(page, target),
  });
}

/** The script of `postOnPage`. Where none runs, the button does the same. */
export const POST_ON = 'document.forms[0].submit()';

export type PostOnData = {
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
};

/** Posts `fields` to `action`, an address of a client's or of ours. */
export function postOnPage(page: PageContext, { action, fields }: PostOnData): string {
  const { say } = page.texts;
  const url = URL.parse(action);
  const host = url?.host || url?.protocol.slice(0, -1) || page.realm.displayName;
  return draw('post-on', page, {
    action,
    fields,
    script: POST_ON,
    heading: say('postOn.title'),
    text: say('postOn.text', { host }),
  });
}

/** A link that names where it leads; none to an address that a browser would run. */
function linkTo({ texts }: PageContext, target: string | undefined) {
  const url = URL.parse(target ?? '');
  if (url === null || !/^(https?|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+):$/.test(url.protocol)) return undefined;
  return { href: url.href, label: texts.say('leaving.go', { host: url.host || url.protocol.slice(0, -1) }) };
}

export type DeviceData = LibraryForm & {
  readonly userCode?: string | undefined;
  readonly problem?: UserCodeProblem | undefined;
};

/** Posts `user_code` and `xsrf` (RFC 8628 §3.3). */
export function devicePage(page: PageContext, data: DeviceData): string {
  const { say } = page.texts;
  return draw('device', page, {
    ...data,
    heading: say('device.title'),
    problem: data.problem && say(`device.error.${data.problem}`),
  });
}

export type DeviceConfirmData = LibraryForm & {
  readonly userCode: string;
  readonly clientName: string;
  readonly clientLogo?: string | undefined;
  /** The User-Agent that asked for the code; empty when unknown. */
  readonly agent: string;
};

/** Posts `user_code`, `xsrf` and either `confirm=yes` or `abort=yes`. Warns of remote phishing (RFC 8628 §5.4). */
export function deviceConfirmPage(page: PageContext, data: DeviceConfirmData): string {
  return draw('device-confirm', page, {
    ...data,
    clientLogo: webAddress(data.clientLogo),
    heading: page.texts.say('deviceConfirm.title'),
    device: data.agent && describeAgent(data.agent, page.texts),
  });
}

export function deviceDonePage(page: PageContext, { clientName }: { readonly clientName?: string }): string {
  const { say } = page.texts;
  return draw('outcome', page, {
    heading: say('deviceDone.title'),
    text: clientName ? say('deviceDone.client', { client: clientName }) : say('deviceDone.text'),
    link: { href: `${page.basePath}/account`, label: say('deviceDone.account') },
  });
}

export type ErrorKind =
  | 'request'
  | 'expired'
  | 'denied'
  | 'not_found'
  | 'unavailable'
  | 'limited'
  | 'failure';

export type ErrorData = {
  readonly kind: ErrorKind;
  /** For the developer of the client, folded away: `error`, `error_description` and the request's id. */
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly requestId?: string | undefined;
};

export function errorPage(page: PageContext, { kind, code, detail, requestId }: ErrorData): string {
  const { say } = page.texts;
  const facts = [
    { name: say('error.code'), value: code },
    { name: say('error.detail'), value: detail },
    { name: say('error.reference'), value: requestId },
  ].filter(({ value }) => value !== undefined);
  return draw('outcome', page, {
    heading: say(`error.${kind}.title`),
    text: say(`error.${kind}.text`),
    isProblem: true,
    facts: facts.length > 0 ? facts : undefined,
  });
}

export type PasswordProblem = PasswordFault | 'wrong_current' | 'mismatch' | 'same' | 'locked' | 'busy';

export type PasswordData = {
  /** For password managers, which file the new password under it. */
  readonly username: string;
  readonly minLength: number;
  readonly problems?: readonly PasswordProblem[] | undefined;
};

/** At login, for who must have a new password. Posts `new_password`, `repeat_password` and `csrf`. */
export function passwordPage(page: PageContext, data: Form & PasswordData): string {
  return draw('password', page, {
    ...data,
    heading: page.texts.say('password.title'),
    problem: passwordProblem(data, page.texts),
    passwordFields: passwordFields(data, page.texts, ['new', 'repeat']),
  });
}

type PasswordField = 'current' | 'new' | 'repeat';

const FIELD_NAMES = { current: 'current_password', new: 'new_password', repeat: 'repeat_password' };

/** What a password form shows besides its problem; the first wrong field, at login else the first, has the focus. */
export function passwordFields(data: PasswordData, texts: Texts, fields: readonly PasswordField[]) {
  const wrong = new Set((data.problems ?? []).map(fieldOf));
  const isAtLogin = !fields.includes('current');
  const focused = fields.find((field) => wrong.has(field)) ?? (isAtLogin ? fields[0] : undefined);
  return fields.map((field) => {
    const hint = field === 'new' ? texts.say('password.hint', { min: data.minLength }) : undefined;
    const describedBy = [wrong.has(field) && 'problem', hint && `${FIELD_NAMES[field]}-hint`].filter(Boolean);
    return {
      name: FIELD_NAMES[field],
      label: texts.say(`password.${field}`),
      autocomplete: field === 'current' ? 'current-password' : 'new-password',
      hint,
      describedBy: describedBy.join(' '),
      isWrong: wrong.has(field),
      hasFocus: field === focused,
    };
  });
}

/** The sentences of the error summary; `undefined` when all is well. */
export function passwordProblem(
  { problems = [], minLength }: PasswordData,
  texts: Texts,
): string | undefined {
  if (problems.length === 0) return undefined;
  return problems.map((problem) => texts.say(`password.error.${problem}`, { min: minLength })).join(' ');
}

function fieldOf(problem: PasswordProblem): PasswordField | undefined {
  switch (problem) {
    case 'wrong_current':
      return 'current';
    case 'mismatch':
      return 'repeat';
    case 'locked':
    case 'busy':
      return undefined;
    case 'same':
    case 'too_short':
    case 'too_long':
    case 'is_username':
    case 'is_email':
    case 'breached':
      return 'new';
  }
}

/** A realm on the page of `GET /`. Paths below the public address. */
export type HomeRealm = { readonly name: string; readonly displayName?: string | undefined };

export type HomeData = {
  readonly version: string;
  readonly hasDemo: boolean;
  readonly realms: readonly HomeRealm[];
};

/** What runs here and where to go; without data, only that something runs. */
export function homePage(page: PageContext, overview: HomeData | undefined): string {
  const { say } = page.texts;
  const linked = ({ name, displayName = name }: HomeRealm) => {
    const address = `${page.basePath}/realms/${name}`;
    return {
      displayName,
      account: `${address}/account`,
      metadata: `${address}/.well-known/openid-configuration`,
    };
  };
  return draw('home', page, {
    heading: say('home.title'),
    text: say(overview === undefined ? 'home.bare' : 'home.text'),
    overview: overview && { ...overview, realms: overview.realms.map(linked) },
  });
}
