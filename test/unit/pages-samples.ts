/** Every page with every field filled in, as pairs of a pure function and its data. */
import { type AccountData, accountPage } from '../../src/surfaces/pages/account/account-page.ts';
import type { PageContext } from '../../src/surfaces/pages/ui/draw.ts';
import * as pages from '../../src/surfaces/pages/ui/render.ts';
import { type Locale, localeLinks, textsOf } from '../../src/surfaces/pages/ui/texts.ts';

const form = { action: '/realms/acme/act', csrf: 'csrf-token' };
const libraryForm = { action: '/realms/acme/library', xsrf: 'xsrf-secret' };
const logo = 'https://cdn.example.com/logo.svg';
const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const now = 1_763_680_000;
const scopes = [
  { name: 'openid' },
  { name: 'dashboards:read', description: 'Open dashboards' },
  { name: 'reports:write' },
];

export const login: pages.LoginData = {
  ...form,
  loginHint: 'george.becker',
  error: 'credentials',
  rememberMe: true,
  remembered: true,
  clientName: 'Sales Dashboards',
  clientLogo: logo,
  cancelAction: '/realms/acme/cancel',
};

export const consent: pages.ConsentData = {
  ...form,
  client: {
    name: 'Sales Dashboards',
    logo,
    website: 'https://dash.example.com/about',
    policy: 'https://dash.example.com/privacy',
    tos: 'https://dash.example.com/terms',
    isVerified: false,
  },
  redirectUri: 'https://app.example.com/callback',
  userName: 'george.becker',
  scopes,
  authorizationDetails: [
    {
      type: 'payment_initiation',
      actions: ['initiate', 'status'],
      instructed_amount: { currency: 'EUR', amount: '123.50' },
    },
  ],
  lasts: { seconds: 2_592_000, offline: true },
};

export const account: AccountData = {
  now,
  user: { username: 'george.becker', name: 'George Becker' },
  forms: {
    endSession: form,
    endOtherSessions: form,
    withdraw: form,
    changePassword: form,
    decide: form,
  },
  password: { minLength: 12, problems: ['wrong_current'] },
  notice: 'session_ended',
  sessions: [
    { id: 'session-1', agent, startedAt: now - 600, clientNames: ['Sales Dashboards'], isCurrent: true },
    { id: 'session-2', agent: '', startedAt: now - 90_000, clientNames: [], isCurrent: false },
  ],
  consents: [
    {
      clientId: 'robot',
      clientName: 'Robot',
      clientLogo: logo,
      isVerified: false,
      scopes,
      givenAt: now - 9000,
    },
  ],
  pending: [
    {
      id: 'request-1',
      clientName: 'Call Centre',
      clientLogo: logo,
      bindingMessage: 'W4SCT',
      scopes,
      expiresAt: now + 100,
    },
  ],
};

function sample<T>(name: string, render: (page: PageContext, data: T) => string, data: T) {
  return {
    name,
    html: (page: PageContext) => render(page, data),
    /** The same page with `spoil` applied to every text in its data that is not one of a closed list. */
    spoiled: (page: PageContext, spoil: (text: string) => string) => render(page, spoilTexts(data, spoil)),
  };
}

export const samples = [
  sample('login', pages.loginPage, login),
  sample('login at a client with links', pages.loginPage, {
    ...login,
    clientName: 'Sales Dashboards',
    clientPolicy: 'https://dash.example.com/privacy',
    clientTos: 'https://dash.example.com/terms',
  }),
  sample('consent', pages.consentPage, consent),
  sample('logout', pages.logoutPage, {
    ...libraryForm,
    clientName: 'Sales',
    stayHref: '/realms/acme/account',
  }),
  sample('logged out', pages.loggedOutPage, {
    client: { name: 'Sales', website: 'https://sales.example.com' },
  }),
  sample('leaving', pages.leavingPage, {
    clientName: 'Sales',
    target: 'https://sales.example.com/cb?error=invalid_scope',
  }),
  sample<pages.DeviceData>('device', pages.devicePage, {
    ...libraryForm,
    userCode: 'BDFG-HKLM',
    problem: 'unknown',
  }),
  sample('device confirmation', pages.deviceConfirmPage, {
    ...libraryForm,
    userCode: 'BDFG-HKLM',
    clientName: 'Wall Display',
    clientLogo: logo,
    agent,
  }),
  sample('device done', pages.deviceDonePage, { clientName: 'Wall Display' }),
  sample<pages.ErrorData>('error', pages.errorPage, {
    kind: 'request',
    code: 'invalid_request',
    detail: 'redirect_uri is missing',
    requestId: 'request-1',
  }),
  sample<pages.Form & pages.PasswordData>('password', pages.passwordPage, {
    ...form,
    username: 'george.becker',
    minLength: 12,
    problems: ['too_short', 'mismatch'],
  }),
  sample('account', accountPage, account),
];

export function pageContext(locale: Locale = 'en', realm: Partial<PageContext['realm']> = {}): PageContext {
  return {
    realm: { name: 'acme', displayName: 'Acme Analytics', hasTheme: true, ...realm },
    basePath: '/realms/acme',
    locale,
    locales: localeLinks('/realms/acme/login?prompt=login'),
    texts: textsOf(locale),
  };
}

/** Values from closed lists, which types keep free of foreign text. */
const CLOSED = new Set<unknown>([
  ...['credentials', 'unknown', 'request', 'session_ended'],
  ...['too_short', 'mismatch', 'wrong_current'],
]);

function spoilTexts<T>(data: T, spoil: (text: string) => string): T {
  return JSON.parse(JSON.stringify(data), (_key, value: unknown) =>
    typeof value === 'string' && !CLOSED.has(value) ? spoil(value) : value,
  );
}
