const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const json = (value) => encode(new TextEncoder().encode(JSON.stringify(value)));
const status = document.querySelector('#status');
const origins = JSON.parse(document.querySelector('#origins').textContent);
const say = (text) => {
  status.textContent = text;
};
const others = () => [window.parent, window.opener].filter((other) => other !== null && other !== window);
const mayTalkTo = (origin) =>
  origins.some((allowed) => {
    if (allowed === origin) return true;
    const [scheme, suffix] = allowed.split('//*');
    return (
      suffix !== undefined &&
      origin.startsWith(`${scheme}//`) &&
      origin.endsWith(suffix) &&
      /^[a-z0-9-]+$/.test(origin.slice(scheme.length + 2, -suffix.length))
    );
  });

async function makeProver() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return async (claims) => {
    const head = json({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
    const body = json({ jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims });
    const text = new TextEncoder().encode(`${head}.${body}`);
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, text);
    return `${head}.${body}.${encode(signature)}`;
  };
}

/** The server asks for a nonce where the clock of this device is wrong (RFC 9449 §8): then the request is sent again. */
async function post(address, prove, nonce) {
  const claims = { htm: 'POST', htu: address, ...(nonce === null ? {} : { nonce }) };
  const answer = await fetch(address, { method: 'POST', headers: { DPoP: await prove(claims) } });
  const body = await answer.json();
  if (body.code !== 'use_dpop_nonce' || nonce !== null) return { answer, body };
  return post(address, prove, answer.headers.get('DPoP-Nonce'));
}

const reasons = {
  not_found: 'This link was used already or is too old. Ask for a new one.',
  use_dpop_nonce: 'The clock of this device is wrong. Set it, and ask for a new link.',
};

async function redeem() {
  const prove = await makeProver();
  const address = location.origin + location.pathname;
  const { answer, body } = await post(address, prove, null);
  if (!answer.ok) {
    say(reasons[body.code] ?? 'This page cannot be opened at the moment. Load it again.');
    return;
  }
  const ath = encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body.token)));
  addEventListener('message', async ({ source, origin, data }) => {
    if (!others().includes(source) || !mayTalkTo(origin) || data === null || typeof data !== 'object') return;
    const { type, id, htm, htu, nonce } = data;
    if (type === 'daypass:token')
      source.postMessage({ type, token: body.token, expires_in: body.expires_in }, origin);
    if (type === 'daypass:proof')
      source.postMessage(
        { type, id, proof: await prove({ htm, htu, ath, ...(nonce && { nonce }) }) },
        origin,
      );
  });
  for (const other of others()) {
    for (const origin of origins.filter((one) => !one.includes('*'))) {
      other.postMessage({ type: 'daypass:token', token: body.token, expires_in: body.expires_in }, origin);
    }
  }
  say('Opened.');
}

redeem().catch(() => say('This page cannot be opened at the moment. Load it again.'));
