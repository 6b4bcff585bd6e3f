/** One customer's place on the page: the pass, the frame, the calls. Only shows; what happens is decided in host.js. */
const STATES = {
  live: ['Live', 'good'],
  revoking: ['Revoking', ''],
  revoked: ['Withdrawn', 'warning'],
  expired: ['Expired', 'warning'],
};

/** Adds a panel to the page. Its frame starts to load at once. */
export function addPanel({ tenant, name, person }, demo) {
  const article = document.getElementById('customer').content.firstElementChild.cloneNode(true);
  const part = Object.fromEntries(
    [...article.querySelectorAll('[data-part]')].map((element) => [element.dataset.part, element]),
  );
  article.dataset.theme = tenant;
  article.setAttribute('aria-label', name);
  part.name.textContent = name;
  part.initial.textContent = name.charAt(0);
  part.who.textContent = person.name;
  part.frame.title = `Sales dashboard of ${name}`;
  part.revoke.setAttribute('aria-label', `Revoke the pass of ${name}`);
  part.grant.setAttribute('aria-label', `Give ${name} access again`);
  part.frame.src = `${demo}/embed`;
  document.getElementById('customers').append(article);

  /** `granted`: the authorization details as the server answered them. */
  function showPass(token, granted) {
    const { rows, actions } = granted.find(({ type }) => type === 'embed_resource');
    part.rows.textContent = `${rows.col} = '${rows.value}'`;
    part.actions.textContent = actions.join(', ');
    part.token.textContent = `${token.slice(0, 14)}…`;
  }

  function showTimeLeft(seconds) {
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    part.left.textContent = seconds > 0 ? `${clock} left` : 'over';
  }

  function showCalls(calls) {
    part.calls.replaceChildren(...calls.map(callItem));
  }

  /** Swaps the buttons; the focus stays where it was. */
  function setOpen(isOpen) {
    const [shown, gone] = isOpen ? [part.revoke, part.grant] : [part.grant, part.revoke];
    const hadFocus = document.activeElement === gone;
    shown.hidden = false;
    shown.disabled = false;
    gone.hidden = true;
    if (hadFocus) shown.focus();
  }

  function setState(state) {
    const [text, kind] = STATES[state] ?? ['Dark', 'warning'];
    // Said aloud when it changes, so not written again when it does not.
    if (part.state.textContent !== text) part.state.textContent = text;
    part.state.className = `badge ${kind}`;
    article.classList.toggle('over', kind === 'warning');
  }

  return { frame: part.frame, buttons: part, showPass, showTimeLeft, showCalls, setOpen, setState };
}

function callItem({ title, curl }) {
  const item = document.createElement('li');
  const heading = document.createElement('p');
  const code = document.createElement('pre');
  heading.textContent = title;
  code.textContent = curl;
  item.append(heading, code);
  return item;
}
