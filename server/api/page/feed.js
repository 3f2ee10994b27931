// A tab's end of the shared connection (hub.js), and the token.
//
// Events: `state` ({kind, detail, retryAt}), `jobs` ({jobs, seen}), `job` ({job}), `statistics`
// ({total, counts}), `sync`. `state` and `statistics` are kept for those who come later.

import {bideWith} from './api.js';

const TOKEN_KEY = 'bide-token';

// Some browsers forbid the storage altogether.
const stored = (act) => {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
};

class Feed extends EventTarget {
  state = {kind: 'connecting', detail: ''};
  statistics = null;
  watched = null;
  #token = stored((storage) => storage.getItem(TOKEN_KEY)) ?? '';
  #post = null;

  async start() {
    const port = await openPort();
    this.#post = (message) => port.postMessage(message);
    port.onmessage = ({data}) => this.#take(data);
    port.start?.();
    this.#hello();
    document.addEventListener('visibilitychange', () => this.#hello());
    addEventListener('pageshow', ({persisted}) => persisted && this.#hello());
    addEventListener('pagehide', () => this.#post({type: 'bye'}));
    addEventListener('online', () => this.retry());
    setInterval(() => this.#post({type: 'here'}), 20_000);
  }

  get hasToken() {
    return this.#token !== '';
  }

  // `keep`: in sessionStorage, until the tab is closed; else in memory, until the page is left.
  useToken(token, keep) {
    this.#token = token;
    stored((storage) => keep ? storage.setItem(TOKEN_KEY, token) : storage.removeItem(TOKEN_KEY));
    this.#take({type: 'state', kind: 'connecting', detail: ''});
    this.#hello();
  }

  forgetToken() {
    this.useToken('', false);
  }

  // The whole state of this job comes as `job`, now if it is known and whenever it changes.
  watch(id) {
    this.watched = id;
    this.#post?.({type: 'watch', id});
  }

  retry() {
    this.#post?.({type: 'retry'});
  }

  // One GET with the token; while NATS is away, old states will do.
  request(path, {headers, signal} = {}) {
    const stale = this.state.kind === 'stale' && {'Cache-Control': 'max-stale'};
    return this.client().request(path, {signal, headers: {...stale, ...headers}});
  }

  client() {
    return bideWith(this.#token);
  }

  #hello() {
    this.#post({type: 'hello', token: this.#token, visible: document.visibilityState === 'visible'});
    if (this.watched !== null) this.#post({type: 'watch', id: this.watched});
  }

  #take(message) {
    if (message.type === 'state') this.state = message;
    if (message.type === 'statistics') this.statistics = message;
    this.dispatchEvent(new CustomEvent(message.type, {detail: message}));
  }
}

// The port of the SharedWorker; of a hub in this tab if the browser has none.
async function openPort() {
  if (typeof SharedWorker === 'function') {
    return new SharedWorker(new URL('hub.js', import.meta.url), {type: 'module', name: 'bide'}).port;
  }
  const {serve} = await import('./hub.js');
  const {port1, port2} = new MessageChannel();
  serve(port2);
  return port1;
}

export const feed = new Feed();
