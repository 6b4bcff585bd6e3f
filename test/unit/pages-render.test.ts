import { describe, expect, it } from 'vitest';
import { userCodeProblemOf } from '../../src/oidc/interaction/device.ts';
import { accountPage } from '../../src/surfaces/pages/account/account-page.ts';
import * as pages from '../../src/surfaces/pages/ui/render.ts';
import { account, consent, login, pageContext, samples } from './pages-samples.ts';

const PAYLOAD = `"'><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">`;

describe.each(samples)('the $name page', ({ html, spoiled }) => {
  it('escapes every text that it is given', () => {
    const page = spoiled(pageContext('en', { displayName: PAYLOAD, logo: PAYLOAD }), () => PAYLOAD);

    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toMatch(/<script|<img src=x|<a href="javascript/);
    expect(page.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\sonerror/);
  });

  it('links and loads nothing but web addresses', () => {
    const page = spoiled(pageContext('en', { logo: 'javascript:alert(1)' }), () => 'https://x.example/');
    const wicked = spoiled(pageContext(), (text) => text.replace(/^https:.*/, 'javascript:alert(1)'));

    expect(page).not.toContain('javascript:');
    expect(wicked).not.toMatch(/(href|src)="javascript:/);
  });

  it.each(['en', 'de'] as const)('has no script, no inline style, no handler and no gap in %s', (locale) => {
    const page = html(pageContext(locale));

    expect(page).toContain(`<html lang="${locale}">`);
    expect(page).not.toMatch(/<script|<style|\sstyle=|\son\w+=/i);
    expect(page).not.toMatch(/undefined|\[object|\{\w+\}|&amp;amp;|&amp;lt;/);
  });

  it('has one heading, one main landmark, a title and a label for every field', () => {
    const page = html(pageContext());
    const fields = page.matchAll(/<input id="(\w+)"/g);

    expect(page.match(/<h1/g)).toHaveLength(1);
    expect(page.match(/<main/g)).toHaveLength(1);
    expect(page).toMatch(/<title>[^<]+ · Acme Analytics<\/title>/);
    for (const [, id] of fields) expect(page).toContain(`<label for="${id}">`);
  });
});

describe('login', () => {
  it('says what is wrong before anything else, and at the fields', () => {
    const page = pages.loginPage(pageContext(), login);

    expect(page).toMatch(/<title>Problem: Sign in/);
    expect(page).toMatch(/role="alert" id="problem">.*Username and password do not match/s);
    expect(page.match(/aria-invalid="true" aria-describedby="problem"/g)).toHaveLength(2);
  });

  it('puts the focus where typing begins', () => {
    const fresh = pages.loginPage(pageContext(), { ...login, loginHint: undefined, error: undefined });
    const known = pages.loginPage(pageContext(), login);

    expect(fresh).toMatch(/<input id="username"[^>]* autofocus>/);
    expect(known).toMatch(/<input id="password"[^>]* autofocus>/);
    expect(known.match(/ autofocus/g)).toHaveLength(1);
  });

  it('lets password managers help and never shows a password again', () => {
    const page = pages.loginPage(pageContext(), login);

    expect(page).toMatch(/id="username"[^>]* value="george.becker" autocomplete="username"/);
    expect(page).toMatch(/type="password" autocomplete="current-password"/);
    expect(page).not.toMatch(/type="password"[^>]* value=/);
  });

  it('offers to stay signed in and to give up only where that is possible', () => {
    const page = pages.loginPage(pageContext(), { ...login, rememberMe: false, cancelAction: undefined });

    expect(page).not.toContain('name="remember"');
    expect(page.match(/<form/g)).toHaveLength(1);
  });
});

describe('consent', () => {
  it('shows who asks, for what, for how long and where the answer goes', () => {
    const page = pages.consentPage(pageContext(), consent);

    for (const text of [
      'Allow Sales Dashboards?',
      'Know that it is you',
      'Open dashboards',
      'reports:write',
      'payment_initiation',
      'initiate, status',
      'instructed amount › amount',
      '123.50',
      'Up to 30 days, even after you sign out',
      'app.example.com',
      'href="https://dash.example.com/privacy"',
      'href="https://dash.example.com/terms"',
      'Unverified application',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('warns only of applications that registered themselves', () => {
    const client = { ...consent.client, isVerified: true };

    expect(pages.consentPage(pageContext(), { ...consent, client })).not.toContain('Unverified');
  });

  it.each([
    ['http://127.0.0.1:49152/cb', 'this device (127.0.0.1:49152)'],
    ['http://[::1]:8080/cb', 'this device ([::1]:8080)'],
    ['com.example.app:/cb', 'the app com.example.app on this device'],
    ['https://user@äpp.example/cb', '<dd>xn--pp-uia.example</dd>'],
  ])('says of %s that one returns to %s', (redirectUri, text) => {
    expect(pages.consentPage(pageContext(), { ...consent, redirectUri })).toContain(text);
  });

  it('shows every value of the authorization details, however it is filed', () => {
    const detail = { type: 'x', list: [{ a: 1 }, { b: false }], none: null, empty: [] };

    const page = pages.consentPage(pageContext(), { ...consent, authorizationDetails: [detail] });

    expect(page).toContain('<dt dir="auto">list › 1 › a</dt><dd dir="auto">1</dd>');
    expect(page).toContain('<dt dir="auto">list › 2 › b</dt><dd dir="auto">false</dd>');
    expect(page).toContain('<dt dir="auto">none</dt><dd dir="auto">null</dd>');
  });

  it('refuses authorization details that nobody could read', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`);
    const authorizationDetails = [{ type: 'x', deep }];

    expect(() => pages.consentPage(pageContext(), { ...consent, authorizationDetails })).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });
});

describe('forms of the library', () => {
  it('carry the names that it expects', () => {
    const form = { action: '/x', xsrf: 'secret' };
    const confirmation = { ...form, userCode: 'BDFG-HKLM', clientName: 'TV', agent: '' };

    expect(pages.logoutPage(pageContext(), { ...form, stayHref: '/' })).toMatch(/name="logout" value="yes"/);
    expect(pages.devicePage(pageContext(), form)).toMatch(
      /name="user_code"[^>]* autocomplete="one-time-code"/,
    );
    expect(pages.deviceConfirmPage(pageContext(), confirmation)).toMatch(
      /name="xsrf" value="secret">\n.*name="user_code" value="BDFG-HKLM">[\s\S]*name="confirm" value="yes"[\s\S]*name="abort" value="yes"/,
    );
  });

  it.each([
    ['NoCodeError', 'missing'],
    ['NotFoundError', 'unknown'],
    ['ExpiredError', 'expired'],
    ['AlreadyUsedError', 'used'],
    ['AbortedError', 'aborted'],
    ['constructor', 'failed'],
  ])('take %s of the device page as %s', (name, problem) => {
    expect(userCodeProblemOf(name)).toBe(problem);
  });
});

describe('passwords', () => {
  it('marks the field that is wrong and keeps the hint in reach', () => {
    const data = { action: '/x', csrf: 'c', username: 'george', minLength: 12 };

    const page = pages.passwordPage(pageContext(), { ...data, problems: ['breached'] });

    expect(page).toContain('list of stolen passwords');
    expect(page).toMatch(
      /id="new_password"[^>]* autocomplete="new-password"[^>]* aria-describedby="problem new_password-hint" aria-invalid="true" autofocus>/,
    );
    expect(page).toMatch(/value="george" autocomplete="username" readonly hidden>/);
  });
});

describe('account', () => {
  it('tells the current session from the others and names each button', () => {
    const page = accountPage(pageContext(), account);

    expect(page).toMatch(/Firefox on Linux<\/span> <span class="badge">This device/);
    expect(page).toMatch(/name="id" value="session-1">\n<button class="button" type="submit">Sign out/);
    expect(page).toContain('aria-label="End the session Unknown device, signed in yesterday"');
    expect(page).toContain('aria-label="Withdraw the access of Robot"');
    expect(page).toContain('End all other sessions');
  });

  it('leaves out what there is nothing of', () => {
    const sessions = account.sessions.filter(({ isCurrent }) => isCurrent);

    const page = accountPage(pageContext(), { ...account, sessions, consents: [], pending: [] });

    expect(page).not.toContain('End all other sessions');
    expect(page).not.toContain('Waiting for you');
    expect(page).toContain('No application has access');
  });

  it('leaves the focus at the top unless a password was wrong', () => {
    const calm = accountPage(pageContext(), { ...account, password: { minLength: 12 } });

    expect(calm).not.toContain('autofocus');
    expect(accountPage(pageContext(), account)).toMatch(/id="current_password"[^>]* autofocus>/);
  });
});
