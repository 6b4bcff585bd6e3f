/** What the dashboard and the shared report have in common: figures, chart and table of orders, and going dark. */
import { drawBars } from './chart.js';

const euros = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR', maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'EUR',
  notation: 'compact',
  maximumFractionDigits: 1,
});
const dayFormat = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const monthFormat = new Intl.DateTimeFormat('en', { month: 'short', timeZone: 'UTC' });

/** By the reason that the analytics API gives. */
const reasons = {
  revoked: ['Access was withdrawn', 'Whoever gave this pass has taken it back.'],
  expired: ['This pass has expired', 'It was good for a while, and that time is over.'],
  unknown: ['This pass is not known', 'It opens nothing here.'],
};

const at = (id) => document.getElementById(id);
let shownRows = [];

new ResizeObserver(() => drawChart()).observe(at('chart'));

/** Asks the analytics API with the token as Bearer. */
export function ask(path, token) {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return fetch(`${document.body.dataset.demo}${path}`, { headers, cache: 'no-store' });
}

export function show(rows) {
  const sum = rows.reduce((total, { amount }) => total + amount, 0);
  shownRows = rows;
  at('revenue').textContent = euros.format(sum);
  at('count').textContent = String(rows.length);
  at('average').textContent = rows.length === 0 ? '–' : euros.format(sum / rows.length);
  at('rows').replaceChildren(...rows.map(tableRow));
  at('dark').hidden = true;
  at('dashboard').hidden = false;
  drawChart();
}

/** Takes everything off the page and says why. */
export function goDark({ title, text, reason = '' }) {
  shownRows = [];
  for (const id of ['revenue', 'count', 'average', 'rows', 'chart']) at(id).replaceChildren();
  at('chart').setAttribute('aria-label', 'Nothing to show');
  at('dashboard').hidden = true;
  at('dark').hidden = false;
  at('dark-title').textContent = title;
  at('dark-text').textContent = text;
  at('dark-reason').textContent = reason;
}

/** What to say about an answer without rows; `final` when asking again with the same pass cannot help. */
export async function refusalOf(response) {
  const { error = '', error_description: why = '' } = await response.json().catch(() => ({}));
  const reason = `${response.status} ${error} · ${why}`;
  if (response.status === 401) {
    const [title, text] = reasons[why] ?? [
      'This pass does not count here',
      'It is bound to another place, or unused for too long.',
    ];
    return { title, text, reason, cause: why, final: true };
  }
  if (response.status === 403) {
    return { title: 'Not on this pass', text: 'It opens something else.', reason, cause: error, final: true };
  }
  return { ...outOfReach, reason };
}

export const outOfReach = {
  title: 'No connection',
  text: 'The pass cannot be checked just now, so nothing is shown. Trying again.',
  cause: 'unreachable',
  final: false,
};

function drawChart() {
  if (at('dashboard').hidden) return;
  const months = Map.groupBy(shownRows.toReversed(), ({ day }) => monthFormat.format(new Date(day)));
  const bars = [...months].map(([label, rows]) => ({
    label,
    value: rows.reduce((total, { amount }) => total + amount, 0),
  }));
  drawBars(at('chart'), bars, { title: 'Revenue by month', format: (value) => short.format(value) });
}

function tableRow({ id, day, customer, tenant, amount }) {
  const row = document.createElement('tr');
  const cells = [id, dayFormat.format(new Date(day)), customer, tenant, euros.format(amount)];
  row.append(...cells.map((text, index) => cell(text, index === 0 ? 'th' : 'td')));
  row.lastElementChild.className = 'number';
  return row;
}

function cell(text, name) {
  const element = document.createElement(name);
  element.textContent = text;
  if (name === 'th') element.scope = 'row';
  return element;
}
