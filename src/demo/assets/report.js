/** A shared report: shows what the token of the link opens. */
import { ask, goDark, outOfReach, refusalOf, show } from './sales.js';

const token = window.daypassReportToken;
delete window.daypassReportToken;

if (token === undefined) {
  goDark({ title: 'No report here', text: 'Open the whole link again: its token is not kept on this page.' });
} else {
  await open();
}

async function open() {
  try {
    const response = await ask('/api/report', token);
    if (!response.ok) return goDark(await refusalOf(response));
    return show((await response.json()).rows);
  } catch {
    return goDark({ ...outOfReach, text: 'The pass cannot be checked just now, so nothing is shown.' });
  }
}
