// Tells a client's page whether the session it knows is still the one of this browser. The page asks by a message,
// "client_id session_id" with an empty session_id when it knows none. Any frame may ask, a sibling too (OIDC Session
// Management §3.1); the answer goes to that frame at its own origin alone, after the server has said that the client is
// registered for it.
(() => {
  const allowed = new Map();

  function isAllowed(clientId, origin) {
    const key = `${clientId} ${origin}`;
    if (!allowed.has(key)) allowed.set(key, askServer(clientId, origin));
    return allowed.get(key);
  }

  async function askServer(clientId, origin) {
    const query = new URLSearchParams({ client_id: clientId, origin });
    const response = await fetch(`${location.pathname}/init?${query}`);
    return response.ok;
  }

  function currentSession() {
    const pairs = document.cookie.split('; ').map((pair) => pair.split('='));
    return pairs.find(([name]) => name === '_session_state')?.[1] ?? '';
  }

  async function answer(text, origin) {
    const [clientId, sessionId = ''] = text.split(' ');
    if (!(await isAllowed(clientId, origin))) return 'error';
    return sessionId === currentSession() ? 'unchanged' : 'changed';
  }

  addEventListener('message', async ({ data, origin, source }) => {
    // A page without an origin cannot be told apart from others.
    if (typeof data !== 'string' || !data.includes(' ') || source === null || origin === 'null') return;
    source.postMessage(await answer(data, origin).catch(() => 'error'), origin);
  });
})();
