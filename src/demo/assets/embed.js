/**
 * The embedded dashboard. Gets its pass from the page around it by message, never by its address, asks the analytics
 * API with it again and again, and goes dark when it no longer counts.
 */
import { ask, goDark, outOfReach, refusalOf, show } from './sales.js';

const EVERY_MS = 4000;
const THEMES = ['blue', 'green'];
const host = window.parent;
const at = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
/** `{ token }`: an answer counts only while it is for the pass that is held now. */
let pass;
let timer;

window.addEventListener('message', ({ source, origin, data }) => {
  if (source !== host || origin !== location.origin || data?.type !== 'daypass:pass') return;
  pass = { token: data.token };
  if (THEMES.includes(data.theme)) document.documentElement.dataset.theme = data.theme;
  void refresh();
});

at('refresh').addEventListener('click', refresh);
at('export').addEventListener('click', exportCsv);
if (host !== window) tell({ type: 'daypass:ready' });

async function refresh() {
  const asked = pass;
  if (asked === undefined) return;
  clearTimeout(timer);
  const refusal = await query(asked);
  if (asked !== pass) return;
  if (refusal === undefined) {
    at('updated').textContent = `Updated ${clock.format(new Date())}`;
  } else {
    close(refusal);
  }
  if (refusal?.final !== true) {
    clearTimeout(timer);
    timer = setTimeout(refresh, EVERY_MS);
  }
}

/** Shows the rows, or resolves to why there are none. */
async function query(asked) {
  try {
    const response = await ask('/api/orders', asked.token);
    if (!response.ok) return await refusalOf(response);
    const { rows, introspection } = await response.json();
    if (asked === pass) {
      show(rows);
      tell({ type: 'daypass:live', introspection });
    }
    return undefined;
  } catch {
    return outOfReach;
  }
}

function close(refusal) {
  if (refusal.final) pass = undefined;
  goDark(refusal);
  tell({ type: 'daypass:dark', cause: refusal.cause });
}

/** The same rows as a file, with the same pass: a second action that it must hold. */
async function exportCsv() {
  if (pass === undefined) return;
  const response = await ask('/api/orders.csv', pass.token).catch(() => undefined);
  if (response?.ok !== true) {
    close(response === undefined ? outOfReach : await refusalOf(response));
    return;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = 'orders.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function tell(message) {
  if (host !== window) host.postMessage(message, location.origin);
}
