const PROTOCOL = 1;
const page = JSON.parse(document.querySelector('#page').textContent);
const others = [...new Set([window.parent, window.opener])].filter((one) => one !== null && one !== window);

const show = (state) => {
  const { title, hint } = page.texts[state];
  document.title = title;
  document.querySelector('h1').textContent = title;
  document.querySelector('p').textContent = hint;
};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const bytesOf = (text) => new TextEncoder().encode(text);
const json = (value) => encode(bytesOf(JSON.stringify(value)));

/** `https://*.example.com` is for one label more. */
const mayTalkTo = (origin) =>
  page.origins.some((allowed) => {
    if (allowed === origin) return true;
    const [scheme, suffix] = allowed.split('//*');
    return (
      suffix !== undefined &&
      origin.startsWith(`${scheme}//`) &&
      origin.endsWith(suffix) &&
      /^[a-z0-9-]+$/.test(origin.slice(scheme.length + 2, -suffix.length))
    );
  });

/** Where the page around this one may be: what the browser tells of it, and the origins without a wildcard. */
function targets() {
  const told = [...(location.ancestorOrigins ?? [])].slice(0, 1);
  const referrer = URL.parse?.(document.referrer)?.origin;
  const known = [...told, ...(referrer === undefined ? [] : [referrer])].filter(mayTalkTo);
  return new Set([...known, ...page.origins.filter((one) => !one.includes('*'))]);
}

/** The browser delivers a message only to a page of the origin that is named. */
function tell(message) {
  for (const other of others) {
    for (const origin of targets()) other.postMessage({ ...message, protocol: PROTOCOL }, origin);
  }
}

async function makeProver() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return async (claims) => {
    const head = json({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
    const body = json({ jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims });
    const text = `${head}.${body}`;
    const signed = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      pair.privateKey,
      bytesOf(text),
    );
    return `${text}.${encode(signed)}`;
  };
}

let nonce;

/** Where the clock of this device is wrong, the server asks for a nonce (RFC 9449 §8): then once more. */
async function post(prove, address, body, isRepeated = false) {
  const proof = await prove({ htm: 'POST', htu: address, ...(nonce && { nonce }) });
  const answer = await fetch(address, { method: 'POST', headers: { DPoP: proof }, ...(body && { body }) });
  nonce = answer.headers.get('DPoP-Nonce') ?? nonce;
  const said = await answer.json().catch(() => ({}));
  const needsNonce = (said.code ?? said.error) === 'use_dpop_nonce';
  return needsNonce && !isRepeated ? post(prove, address, body, true) : { status: answer.status, said };
}

/** The first answer that is neither a failure of the network nor of the server. */
async function postAtLast(prove, address, body, until = Number.POSITIVE_INFINITY) {
  for (let pause = 1000; ; pause = Math.min(2 * pause, 15_000)) {
    const answer = await post(prove, address, body).catch(() => undefined);
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
    if (performance.now() + pause > until) return undefined;
    show('waiting');
    await wait(pause);
  }
}

const reasonOf = ({ code, error, errors = [] }) => {
  if ((code ?? error) === 'use_dpop_nonce') return 'clock';
  return errors.some((one) => one.code === 'spent') ? 'spent' : 'expired';
};

/** What this page has to say: the last message of its own accord, and again to who asks. */
let current;
/** The token and when it ends, by a clock that nobody sets. */
let held;

function fail(reason, state = reason) {
  held = undefined;
  current = { type: 'daypass:error', reason };
  show(state);
  tell(current);
}

function hold(type, { token, expires_in: life, refresh_token: refresh }) {
  const end = life === undefined ? undefined : performance.now() + life * 1000;
  held = { token, end, life, refresh: refresh ?? held?.refresh };
  current = { type: 'daypass:token', token };
  show('open');
  tell({ ...current, type, ...left() });
}

const left = () =>
  held?.end === undefined
    ? {}
    : { expires_in: Math.max(0, Math.round((held.end - performance.now()) / 1000)) };

// The longest time of a browser's timer.
const LONGEST = 2 ** 31 - 1;

/** Waits until it is time to refresh the token: a while before it ends. */
async function untilRefresh() {
  const early = held.refresh === undefined ? 0 : Math.min(60, held.life / 5) * 1000;
  const at = held.end - early;
  for (let left = at - performance.now(); left > 0; left = at - performance.now()) {
    await wait(Math.min(left, LONGEST));
  }
}

/** Refreshes the token again and again, until that is not possible any more. */
async function keepFresh(prove) {
  while (held.end !== undefined) {
    await untilRefresh();
    if (held.refresh === undefined) return fail('expired', 'ended');
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: held.refresh });
    const answer = await postAtLast(prove, page.tokenAddress, form, held.end);
    if (answer === undefined) return fail('expired', 'ended');
    if (answer.status !== 200) return fail(reasonOf(answer.said), 'ended');
    hold('daypass:refreshed', { ...answer.said, token: answer.said.access_token });
  }
}

/** The key of this page, which is made once and cannot leave the browser. */
let proving;

async function proofFor({ htm, htu, nonce: asked }) {
  const prove = await proving;
  const ath = encode(await crypto.subtle.digest('SHA-256', bytesOf(held.token)));
  return prove({ htm, htu, ath, ...(asked && { nonce: asked }) });
}

async function answer({ source, origin, data }) {
  if (!others.includes(source) || data === null || typeof data !== 'object') return;
  const reply = (message) => source.postMessage({ ...message, protocol: PROTOCOL }, origin);
  if (!mayTalkTo(origin)) {
    if (data.type === 'daypass:ask') reply({ type: 'daypass:error', reason: 'origin' });
    return;
  }
  if (data.type === 'daypass:ask' && current !== undefined) reply({ ...current, ...left() });
  if (data.type === 'daypass:proof' && held !== undefined) {
    reply({ type: 'daypass:proof', id: data.id, proof: await proofFor(data) });
  }
}

/** A page that no token of this opener may go to opened this window: then nothing is spent. */
function isForeign() {
  if (page.origins.length === 0) return true;
  const opener = window.parent === window ? URL.parse?.(document.referrer)?.origin : undefined;
  return opener !== undefined && !mayTalkTo(opener);
}

async function redeem() {
  proving = makeProver();
  const prove = await proving;
  const { status, said } = await postAtLast(prove, location.origin + location.pathname);
  if (status !== 201) return fail(reasonOf(said));
  hold('daypass:token', said);
  await keepFresh(prove);
}

addEventListener('message', answer);
if (page.state === 'waiting') setTimeout(() => location.reload(), 5000);
else if (page.state !== 'opening') fail(page.state);
else if (others.length === 0) show('alone');
else if (isForeign()) show('origin');
else await redeem().catch(() => fail('expired'));
