/** Runs before anything else is loaded: takes the token out of the address bar and the history. */
const address = new URL(location.href);
window.daypassReportToken = address.searchParams.get('token') ?? undefined;
history.replaceState(null, '', address.pathname);
