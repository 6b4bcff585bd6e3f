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

async function redeem() {
  const prove = await makeProver();
  const address = location.origin + location.pathname;
  const answer = await fetch(address, {
    method: 'POST',
    headers: { DPoP: await prove({ htm: 'POST', htu: address }) },
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  const ath = encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body.token)));
  addEventListener('message', async ({ source, origin, data }) => {
    if (!others().includes(source) || !mayTalkTo(origin) || data === null || typeof data !== 'object') return;
    const { type, id, htm, htu } = data;
    if (type === 'daypass:token')
      source.postMessage({ type, token: body.token, expires_in: body.expires_in }, origin);
    if (type === 'daypass:proof')
      source.postMessage({ type, id, proof: await prove({ htm, htu, ath }) }, origin);
  });
  for (const other of others()) {
    for (const origin of origins.filter((one) => !one.includes('*'))) {
      other.postMessage({ type: 'daypass:token', token: body.token, expires_in: body.expires_in }, origin);
    }
  }
  say('Opened.');
}

redeem().catch(() => say('This link was used already or is too old. Ask for a new one.'));
