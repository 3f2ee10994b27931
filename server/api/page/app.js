// The page: which view is shown, and what is said above it about the connection and the token.

import {announce, h, setAttribute, setText} from './dom.js';
import {feed} from './feed.js';
import {sentence} from './format.js';
import {history, hourView} from './hour.js';
import {jobView} from './job.js';
import {listView} from './list.js';
import {isJobId, jobLink, parseRoute} from './routes.js';

const main = document.getElementById('main');
const shown = document.getElementById('view');
const notice = document.getElementById('notice');
const connection = document.getElementById('connection');
const signOut = document.getElementById('sign-out');
let view = null;
let route = null;

function unknownView() {
  return {title: 'Nothing here', destroy() {}, back: () => { location.hash = '#/'; },
          element: h('section', {}, h('div', {class: 'empty'}, h('h1', {tabindex: -1}, 'There is nothing here'),
              h('p', {}, 'The address leads to no job and no list.'), h('p', {}, h('a', {class: 'button', href: '#/'}, 'Show all jobs'))))};
}

function show() {
  const next = parseRoute(location.hash);
  if (next.view === 'job' && route?.view === 'job' && route.id === next.id) {
    route = next;
    return view.selectAgent(next.agent);
  }
  // Typing into the search field changes the list below it, and keeps the field.
  const typing = route?.view === 'list' && next.view === 'list' && document.activeElement === view?.search;
  const first = route === null;
  route = next;
  view?.destroy();
  view = {list: () => listView(next.filter), job: () => jobView(next), hour: hourView, unknown: unknownView}[next.view]();
  shown.replaceChildren(view.element);
  document.title = `${view.title} · bide`;
  for (const link of document.querySelectorAll('header nav a')) {
    const current = link.getAttribute('href') === (next.view === 'hour' ? '#/hour' : '#/');
    if (current && next.view !== 'unknown') setAttribute(link, 'aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (typing) {
    view.search.focus();
    view.search.setSelectionRange(view.search.value.length, view.search.value.length);
  } else if (!first) {
    shown.querySelector('h1')?.focus();
  }
}

const WORDS = {connecting: 'connecting', live: 'live', stale: 'old', offline: 'offline', unauthorized: 'no access',
               expired: 'no access', forbidden: 'limited'};
const SHAPES = {connecting: '○', live: '●', stale: '◐', offline: '✕', unauthorized: '✕', expired: '✕', forbidden: '◐'};

let shownKind = null;

function showConnection() {
  const {kind, retryAt} = feed.state;
  setAttribute(connection, 'data-kind', kind);
  setText(connection, `${SHAPES[kind]} ${WORDS[kind]}`);
  signOut.hidden = !feed.hasToken;
  shown.classList.toggle('dimmed', kind === 'offline' || kind === 'stale');
  shown.hidden = kind === 'unauthorized';
  if (kind !== shownKind) {
    shownKind = kind;
    const panels = {stale: stalePanel, offline: offlinePanel, unauthorized: tokenPanel, expired: tokenPanel, forbidden: forbiddenPanel};
    notice.replaceChildren(...(panels[kind] ? [panels[kind]()] : []));
  }
  const countdown = notice.querySelector('.countdown');
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  if (countdown) setText(countdown, seconds > 0 ? `Next try in ${seconds} s.` : 'Trying…');
}

const panel = (kind, title, ...content) =>
    h('section', {class: `panel ${kind}`, 'aria-label': title}, h(shown.hidden ? 'h1' : 'h2', {}, title), ...content);

const retryButton = () => h('button', {type: 'button', onclick: () => feed.retry()}, 'Try now');

function offlinePanel() {
  announce('bide does not answer');
  return panel('offline', 'bide does not answer', h('p', {}, 'What you see is the last that was heard. ', h('span', {class: 'countdown'})), retryButton());
}

function stalePanel() {
  announce('NATS is away');
  return panel('stale', 'bide has lost touch with NATS', h('p', {}, 'Jobs may have moved on since. This page follows again by itself. On bide’s machine, ',
      h('code', {}, 'curl localhost:8080/readyz?fresh'), ' says more.'));
}

function forbiddenPanel() {
  announce('Your token may not list jobs');
  const input = h('input', {type: 'text', 'aria-label': 'Job id', placeholder: 'job id', spellcheck: 'false', autocomplete: 'off'});
  const problem = h('span', {class: 'problem', role: 'alert'});
  const form = h('form', {class: 'row-form', onsubmit: (event) => {
    event.preventDefault();
    const id = input.value.trim();
    setText(problem, isJobId(id) ? '' : 'an id has letters, digits, - and _');
    if (isJobId(id)) location.hash = jobLink(id);
  }}, input, h('button', {type: 'submit'}, 'Open'), problem);
  return panel('forbidden', 'Your token may not list jobs', h('p', {}, sentence(feed.state.detail), ' Open a job that it may read:'), form, otherToken());
}

function otherToken() {
  return h('details', {class: 'other-token'}, h('summary', {}, 'Use another token'), tokenForm());
}

function tokenPanel() {
  const {kind, detail} = feed.state;
  const expired = kind === 'expired';
  const title = expired ? 'Your token has expired' : feed.hasToken ? 'This token is not valid here' : 'bide asks for a token';
  announce(title);
  const why = expired ? 'What you see below is the last that it was good for.' : feed.hasToken ? sentence(detail) :
      'It is the one that you have in BIDE_TOKEN for the command line.';
  return panel('token', title, h('p', {}, why), tokenForm());
}

function tokenForm() {
  const input = h('input', {type: 'password', 'aria-label': 'Token', placeholder: 'token', autocomplete: 'off', required: true, spellcheck: 'false'});
  const keep = h('input', {type: 'checkbox'});
  return h('form', {class: 'row-form', onsubmit: (event) => {
    event.preventDefault();
    const token = input.value.trim();
    // What a field of HTTP can hold; fetch would refuse the rest with a riddle.
    if (/^[\x21-\x7e]+$/.test(token)) feed.useToken(token, keep.checked);
    else input.setCustomValidity('a token has no spaces and only ASCII'), input.reportValidity();
  }, oninput: () => input.setCustomValidity('')}, input, h('button', {type: 'submit'}, 'Use it'),
      h('label', {class: 'keep'}, keep, 'keep it until this tab is closed, also when the page is loaded again'),
      h('p', {class: 'quiet'}, 'It stays in this tab and is sent to this server only.'));
}

addEventListener('hashchange', show);
addEventListener('keydown', (event) => {
  if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    if (route.view !== 'list') location.hash = '#/';
    setTimeout(() => view.find?.());
  }
  if (event.key === 'Escape' && !event.defaultPrevented) view.back();
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
signOut.addEventListener('click', () => feed.forgetToken());
feed.addEventListener('state', ({detail}) => {
  const back = detail.kind === 'live' && (shownKind === 'unauthorized' || shownKind === 'expired');
  showConnection();
  if (back) {
    // With another token there may be other jobs.
    route = null;
    show();
  }
});
setInterval(() => shownKind === 'offline' && showConnection(), 1000);
history.start();
showConnection();
await feed.start();
show();
