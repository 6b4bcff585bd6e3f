/**
 * The customer portal. Asks its backend for a pass per customer and hands each frame its own, by message to this very
 * origin. What a frame says of itself is shown beside it.
 */
import { addPanel } from './panel.js';

const { demo } = document.body.dataset;
const opened = [];

window.addEventListener('message', ({ source, origin, data }) => {
  const customer = opened.find(({ frame }) => frame.contentWindow === source);
  if (customer === undefined || origin !== location.origin) return;
  if (data?.type === 'daypass:ready') customer.ready();
  if (data?.type === 'daypass:live') customer.live(data.introspection);
  if (data?.type === 'daypass:dark') customer.dark(data.cause);
});

try {
  const customers = await (await fetch(`${demo}/portal/customers`)).json();
  for (const customer of customers) opened.push(open(customer));
} catch {
  complain('The portal’s backend does not answer. Reload the page to try again.');
}

function open(customer) {
  const { tenant } = customer;
  const panel = addPanel(customer, demo);
  let isReady = false;
  /** `{ token, endsAt, calls }`; without `endsAt` it was taken back. */
  let pass;

  async function grant() {
    const given = await post('/portal/guest-token', { tenant });
    const { token, granted } = given;
    pass = { token, endsAt: performance.now() + given.expiresIn * 1000, calls: [] };
    panel.showPass(token, granted);
    panel.setOpen(true);
    addCalls(...given.calls, browserCall(token));
    tick();
    handOver();
  }

  async function revoke() {
    const { calls } = await post('/portal/revoke', { token: pass.token });
    pass.endsAt = undefined;
    panel.setOpen(false);
    panel.setState('revoking');
    addCalls(...calls);
    tick();
  }

  function handOver() {
    if (!isReady || pass === undefined) return;
    const message = { type: 'daypass:pass', token: pass.token, theme: tenant };
    panel.frame.contentWindow.postMessage(message, location.origin);
  }

  function addCalls(...calls) {
    pass.calls.push(...calls);
    panel.showCalls(pass.calls);
  }

  function tick() {
    if (pass === undefined) return;
    panel.showTimeLeft(Math.max(0, Math.round(((pass.endsAt ?? 0) - performance.now()) / 1000)));
  }

  panel.buttons.revoke.addEventListener('click', () => attempt(panel.buttons.revoke, revoke));
  panel.buttons.grant.addEventListener('click', () => attempt(panel.buttons.grant, grant));
  setInterval(tick, 1000);
  void attempt(panel.buttons.grant, grant);

  return {
    frame: panel.frame,
    ready() {
      isReady = true;
      handOver();
    },
    live(introspection) {
      if (pass?.endsAt === undefined) return;
      panel.setState('live');
      const title = 'The analytics API asks what the pass opens';
      if (pass.calls.every((call) => call.title !== title)) addCalls({ title, curl: introspection });
    },
    dark(cause) {
      panel.setState(cause);
      if (cause !== 'unreachable') panel.setOpen(false);
    },
  };
}

/** Pasted after the pass was taken back, it shows what the frame was told. */
function browserCall(token) {
  const address = `${location.origin}${demo}/api/orders`;
  return {
    title: 'The dashboard asks for its rows',
    curl: `curl -si ${address} \\\n  -H 'Authorization: Bearer ${token}'`,
  };
}

async function attempt(button, work) {
  button.disabled = true;
  try {
    await work();
    document.getElementById('problem').hidden = true;
  } catch {
    button.hidden = false;
    complain('That did not work: the portal’s backend got no answer it could use. Try again.');
  } finally {
    button.disabled = false;
  }
}

async function post(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(`${demo}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

function complain(text) {
  const problem = document.getElementById('problem');
  problem.textContent = text;
  problem.hidden = false;
}
