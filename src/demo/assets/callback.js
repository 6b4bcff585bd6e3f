/**
 * A public client in one file: authorization code with PKCE (RFC 7636), `state` and `iss` (RFC 9207) checked. Verifier
 * and state wait in the tab's own storage. Tokens are used once, to ask who signed in, and not kept.
 */
const { issuer, client, callback } = document.body.dataset;
const KEY = 'daypass-demo-login';
const at = (id) => document.getElementById(id);

if (location.origin === new URL(callback).origin) {
  at('start').addEventListener('click', () => attempt(start));
  await attempt(finish);
} else {
  // The tab's storage and the redirect address belong to the public origin.
  location.replace(`${callback}${location.search}`);
}

async function start() {
  const login = { verifier: random(), state: random() };
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(login.verifier));
  const { authorization_endpoint: endpoint } = await metadata();
  sessionStorage.setItem(KEY, JSON.stringify(login));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: callback,
    scope: 'openid profile email dashboards:read',
    state: login.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  });
  location.assign(`${endpoint}?${query}`);
}

async function finish() {
  const answer = new URLSearchParams(location.search);
  const login = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
  if (answer.size === 0) return;
  sessionStorage.removeItem(KEY);
  history.replaceState(null, '', location.pathname);
  if (answer.has('error')) {
    say('Nobody signed in', answer.get('error_description') ?? answer.get('error'));
  } else if (login === null) {
    say('The login worked', 'This tab did not start it and has no verifier, so the code was not exchanged.');
  } else if (answer.get('state') !== login.state || answer.get('iss') !== issuer) {
    say(
      'This answer is not ours',
      'It does not belong to the login that this tab started, so it was not used.',
    );
  } else {
    await exchange(answer.get('code'), login.verifier);
  }
}

async function exchange(code, verifier) {
  const { token_endpoint: tokenEndpoint, userinfo_endpoint: userinfoEndpoint } = await metadata();
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback,
    client_id: client,
    code_verifier: verifier,
  });
  const tokens = await json(await fetch(tokenEndpoint, { method: 'POST', body }));
  const headers = { Authorization: `Bearer ${tokens.access_token}` };
  const person = await json(await fetch(userinfoEndpoint, { headers }));
  say(
    `Hello, ${person.name ?? person.sub}`,
    'You are signed in. The code was exchanged with its PKCE verifier.',
  );
  list({
    'E-mail': person.email,
    Scope: tokens.scope,
    'Good for': `${tokens.expires_in / 60} minutes`,
  });
}

async function attempt(work) {
  try {
    await work();
  } catch {
    say('That did not work', 'The server gave no answer that this page could use. Try again.');
  }
}

async function metadata() {
  return json(await fetch(`${issuer}/.well-known/openid-configuration`));
}

async function json(response) {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
  return response.json();
}

function say(title, text) {
  at('title').textContent = title;
  at('text').textContent = text;
  at('start').textContent = 'Sign in again';
  at('title').focus();
}

function list(facts) {
  at('facts').hidden = false;
  at('facts').replaceChildren(
    ...Object.entries(facts).map(([name, value]) => {
      const group = document.createElement('div');
      const term = document.createElement('dt');
      const description = document.createElement('dd');
      term.textContent = name;
      description.textContent = value ?? '–';
      group.append(term, description);
      return group;
    }),
  );
}

/** 256 bits. */
function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
