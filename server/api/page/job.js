// The page of one job: what it is, how it ended, what every agent did, and the lines that wait for it.

import {BASE, detailOf} from './api.js';
import {announce, copyButton, h, setAttribute, setStatus, setText, statusMark, wordOf} from './dom.js';
import {feed} from './feed.js';
import {ago, bytes, clockTime, count, curlLine, duration, parseTime, waitLine} from './format.js';
import {jobLink, listLink} from './routes.js';
import {isTerminal, progressOf} from './summary.js';
import {VirtualTable} from './virtual.js';

const ROW_PIXELS = 32;
const TEXT_SHOWN = 20_000;  // Of a long result at first.
const TEXT_MORE = 500_000;
const RANK = {failed: 0, started: 1, acknowledged: 2, progress: 3, submitted: 4, retried: 5, skipped: 6, completed: 7};

export function jobView({id, agent}) {
  return new JobView(id, agent);
}

class JobView {
  job = null;
  #aborter = new AbortController();
  #total = null;

  constructor(id, agent) {
    this.id = id;
    this.agent = agent;
    this.title = id;
    this.mark = statusMark('');
    this.facts = h('dl', {class: 'facts'});
    this.labels = h('div', {class: 'job-labels'});
    this.bar = h('div', {class: 'progress', role: 'progressbar', 'aria-label': 'Progress', 'aria-valuemin': 0,
                         'aria-valuemax': 100, hidden: true}, h('span'));
    this.barText = h('p', {class: 'progress-text', hidden: true});
    this.error = h('section', {class: 'card failure', hidden: true}, h('h2', {}, 'Error'));
    this.errorText = new LongText('the error');
    this.error.append(this.errorText.element);
    this.result = new Json('Result');
    this.operation = new Json('Operation');
    this.agents = new Agents(this);
    this.timeline = new Timeline();
    this.state = h('div', {class: 'job-state'});
    this.body = h('div', {class: 'job-body', hidden: true},
        h('div', {class: 'column'}, this.error, this.agents.element, this.result.element, this.timeline.element, this.operation.element),
        this.#commands());
    this.element = h('section', {class: 'job-page'},
        h('p', {class: 'crumbs'}, h('a', {href: listLink({})}, 'Jobs'), h('span', {'aria-hidden': 'true'}, ' / ')),
        h('div', {class: 'job-head'}, h('h1', {tabindex: -1}, id), this.mark), this.labels, this.facts, this.bar, this.barText,
        this.state, this.body);
    this.mark.hidden = true;
    this.listeners = {
      job: ({detail}) => detail.job.id === this.id && this.#learn(detail.job),
      sync: () => this.#load(),
      state: ({detail}) => this.#onState(detail),
      statistics: ({detail}) => {
        // Fewer jobs: perhaps this one was deleted, which the feed does not report.
        if (this.#total !== null && detail.total < this.#total) this.#load();
        this.#total = detail.total;
      },
    };
    for (const [name, listener] of Object.entries(this.listeners)) feed.addEventListener(name, listener);
    this.clock = setInterval(() => document.visibilityState === 'visible' && this.#tick(), 1000);
    this.#showState('loading');
    feed.watch(id);
    this.#onState(feed.state);
    if (!this.loading) this.#load();
  }

  destroy() {
    this.#aborter.abort();
    this.alone?.abort();
    clearInterval(this.clock);
    clearTimeout(this.retryTimer);
    feed.watch(null);
    for (const [name, listener] of Object.entries(this.listeners)) feed.removeEventListener(name, listener);
    this.agents.table.destroy();
    this.timeline.table.destroy();
  }

  back() {
    location.hash = this.agent === null ? listLink({}) : jobLink(this.id);
  }

  selectAgent(agent) {
    this.agent = agent;
    if (this.job) this.agents.show(this.job);
    if (agent !== null) this.agents.detail.scrollIntoView({block: 'nearest'});
  }

  async #load() {
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    clearTimeout(this.retryTimer);
    const before = this.job;
    try {
      const response = await feed.request(`job/${this.id}`, {signal: this.#aborter.signal, headers: {Accept: 'application/json'}});
      // A lower revision is of a job that was made anew, unless the stream has told more in the meantime.
      this.#learn(JSON.parse(await response.text()), this.job === before);
    } catch (error) {
      if (this.#aborter.signal.aborted) return;
      this.#onError(error);
    } finally {
      this.loading = false;
      const again = this.again;
      this.again = false;
      if (again) this.#load();
    }
  }

  #onError(error) {
    if (error.kind === 'not-found' || error.kind === 'gone') {
      this.#showState(this.job || this.existed ? 'gone' : 'absent');
      this.job = null;
    } else if (error.status === 403) {
      this.#showState('forbidden');
    } else if (error.status !== 401) {
      if (this.job === null) this.#showState('trouble', detailOf(error));
      this.retryTimer = setTimeout(() => this.#load(), 1000 * Math.max(2, error.retryAfter ?? 0));
    }
  }

  // A token for some jobs may not read the feed, but this job's own stream.
  #onState({kind}) {
    if (kind === 'forbidden' && !this.alone) this.#followAlone();
    if (kind === 'live' && this.job === null) this.#load();
  }

  async #followAlone() {
    this.alone = new AbortController();
    const {signal} = this.alone;
    try {
      for await (const job of feed.client().follow(this.id, {signal})) this.#learn(job);
    } catch (error) {
      if (!signal.aborted) this.#onError(error);
    }
  }

  #learn(job, asked = false) {
    if (!asked && this.job !== null && job.revision < this.job.revision) return;
    const before = this.job;
    this.job = job;
    this.existed = true;
    this.#showState('');
    this.mark.hidden = false;
    setStatus(this.mark, job.status);
    if (before && before.status !== job.status) announce(`${this.id} is ${wordOf(job.status)}`);
    document.title = `${job.id} ${wordOf(job.status)} · bide`;
    this.labels.replaceChildren(...Object.entries(job.labels ?? {}).map(([name, value]) =>
        h('a', {class: 'label', href: listLink({labels: [`${name}=${value}`]}), title: 'All jobs with this label'},
          name, h('span', {class: 'value'}, value))));
    const {percent, message} = progressOf(job);
    this.bar.hidden = this.barText.hidden = percent === undefined;
    if (percent !== undefined) {
      this.bar.firstChild.style.width = `${percent}%`;
      setAttribute(this.bar, 'aria-valuenow', String(percent));
      setText(this.barText, `${percent} %${message ? ` — ${message}` : ''}`);
    }
    this.error.hidden = !job.error;
    this.errorText.show(job.error ?? '');
    this.result.show(job.result);
    this.operation.show(job.operation);
    this.agents.show(job);
    this.timeline.show(job);
    this.#tick();
  }

  #tick() {
    const {job} = this;
    if (job === null) return;
    const now = Date.now();
    const times = (job.timeline ?? []).map(({timestamp}) => parseTime(timestamp)).filter((time) => time !== null);
    const begun = parseTime(job.created) ?? times[0];
    const end = isTerminal(job.status) ? parseTime(job.updated_at) ?? times.at(-1) : now;
    const facts = [
      ['Created', job.created && `${clockTime(job.created, now)} (${ago(job.created, now)})`],
      ['Changed', job.updated_at && `${clockTime(job.updated_at, now)} (${ago(job.updated_at, now)})`],
      [isTerminal(job.status) ? 'Took' : 'For', begun !== undefined && duration(Math.max(0, end - begun))],
      ['Host', job.hostname],
      ['Final', job.final ? 'yes' : isTerminal(job.status) ? 'not yet: it may still change' : 'no'],
      ['Changed something', job.changed === undefined ? null : job.changed ? 'yes' : 'no'],
    ].filter(([, value]) => value);
    if (this.facts.childElementCount !== facts.length) {
      this.facts.replaceChildren(...facts.map(() => h('div', {}, h('dt'), h('dd'))));
    }
    facts.forEach(([name, value], i) => {
      setText(this.facts.children[i].firstChild, name);
      setText(this.facts.children[i].lastChild, value);
    });
  }

  #commands() {
    const server = BASE.href.replace(/\/$/, '');
    const line = (title, text) => {
      const command = h('code', {tabindex: 0}, text());
      return h('div', {class: 'line'}, h('h3', {}, title), h('div', {class: 'command'}, command,
          copyButton('Copy', text, `Copy: ${title}`)));
    };
    const needsToken = feed.hasToken;
    return h('aside', {class: 'card commands', 'aria-label': 'Commands'}, h('h2', {}, 'In a terminal'),
        line('Wait until it is done', () => waitLine(server, this.id)),
        line('The same with curl', () => curlLine(server, this.id, {needsToken, until: 'done'})),
        line('Its state now', () => curlLine(server, this.id, {needsToken})),
        needsToken ? h('p', {class: 'quiet'}, 'Both read your token from ', h('code', {}, 'BIDE_TOKEN'), '.') : null);
  }

  #showState(kind, detail = '') {
    this.body.hidden = kind !== '';
    this.facts.hidden = this.labels.hidden = kind !== '';
    if (kind !== '') this.bar.hidden = this.barText.hidden = this.mark.hidden = true;
    setAttribute(this.element, 'aria-busy', String(kind === 'loading'));
    if (this.shown === kind + detail) return;
    this.shown = kind + detail;
    const command = `bide run ${this.id} -- make`;
    const states = {
      '': () => [],
      loading: () => [h('p', {class: 'quiet'}, 'Loading…')],
      trouble: () => [h('div', {class: 'empty'}, h('h2', {}, 'The job cannot be shown now'), h('p', {}, detail))],
      forbidden: () => [h('div', {class: 'empty'}, h('h2', {}, 'Your token may not read this job'),
                          h('p', {}, 'It needs the permission ', h('code', {}, 'job:read'), ', and this job among those that it is for.'))],
      gone: () => [h('div', {class: 'empty'}, h('h2', {}, 'This job is gone'), h('p', {}, 'It was deleted, or has expired.'),
                     h('p', {}, h('a', {class: 'button', href: '#/'}, 'Show all jobs')))],
      absent: () => [h('div', {class: 'empty'}, h('h2', {}, 'There is no such job yet'),
                       h('p', {}, 'This page shows it the moment it is reported. For example:'),
                       h('div', {class: 'command'}, h('code', {}, command), copyButton('Copy', () => command, 'Copy the command')))],
    };
    this.state.replaceChildren(...states[kind]());
    if (kind === 'gone') announce(`${this.id} is gone`);
  }
}

// A text that may be huge: its beginning, and buttons for the rest.
class LongText {
  constructor(what) {
    this.what = what;
    this.pre = h('pre', {tabindex: 0, 'aria-label': what});
    this.more = h('button', {type: 'button', class: 'more', hidden: true, onclick: () => {
      this.limit += TEXT_MORE;
      this.#draw();
    }});
    this.element = h('div', {class: 'long-text'}, this.pre,
                     h('div', {class: 'under'}, this.more, copyButton('Copy', () => this.text, `Copy ${what}`)));
  }

  show(text) {
    if (text === this.text) return;
    this.text = text;
    this.limit ??= TEXT_SHOWN;
    this.#draw();
  }

  #draw() {
    setText(this.pre, this.text.slice(0, this.limit));
    const rest = this.text.length - this.limit;
    this.more.hidden = rest <= 0;
    setText(this.more, `Show more (${bytes(rest)} left)`);
  }
}

// A card with a JSON value; hidden if there is none.
class Json {
  constructor(title) {
    this.text = new LongText(title.toLowerCase());
    this.element = h('section', {class: 'card', hidden: true}, h('h2', {}, title), this.text.element);
  }

  show(value) {
    this.element.hidden = value === undefined;
    if (value !== undefined) this.text.show(typeof value === 'string' ? value : JSON.stringify(value, null, 2));
  }
}

class Agents {
  #rows = [];

  constructor(view) {
    this.view = view;
    this.counts = h('div', {class: 'agent-counts'});
    this.strip = h('div', {class: 'strip', 'aria-hidden': 'true'});
    this.table = new VirtualTable({
      label: 'Agents, those that failed first', rowHeight: ROW_PIXELS, linked: true,
      itemAt: (position) => this.#rows[position] ?? null, keyOf: (row) => `agent ${row.name}`, render: renderAgent,
      columns: [
        {name: 'state', title: 'Status', create: () => statusMark('')},
        {name: 'agent', title: 'Agent', create: () => h('a', {class: 'open'})},
        {name: 'news', title: 'Progress or error', create: () => [h('span', {class: 'bar', 'aria-hidden': 'true'}, h('span')), h('span', {class: 'text'})]},
        {name: 'took', title: 'Took'},
      ],
    });
    this.detail = h('div', {class: 'agent-detail', hidden: true});
    this.element = h('section', {class: 'card agents-card', hidden: true},
        h('h2', {}, 'Agents ', this.total = h('span', {class: 'quiet'})), this.counts, this.strip, this.table.element, this.detail);
  }

  show(job) {
    const responses = job.responses ?? {};
    this.#rows = Object.entries(job.agent_states ?? {}).map(([name, state]) => ({
      name, state, job: job.id, response: Object.hasOwn(responses, name) ? responses[name] : undefined,
      status: state.status ?? 'progress'}));
    this.#rows.sort((a, b) => (RANK[a.status] ?? 9) - (RANK[b.status] ?? 9) || (a.name < b.name ? -1 : 1));
    this.element.hidden = this.#rows.length === 0;
    setText(this.total, this.#rows.length > 1 ? count(this.#rows.length) : '');
    this.#showCounts();
    const visible = Math.min(this.#rows.length, 12);
    this.table.body.style.height = `${visible * ROW_PIXELS}px`;
    this.table.setCount(this.#rows.length);
    this.#showDetail(this.view.agent === null ? undefined : this.#rows.find(({name}) => name === this.view.agent));
  }

  #showCounts() {
    const counts = new Map();
    for (const {status} of this.#rows) counts.set(status, (counts.get(status) ?? 0) + 1);
    const several = this.#rows.length > 1;
    this.counts.hidden = this.strip.hidden = !several;
    if (!several) return;
    this.counts.replaceChildren(...[...counts].map(([status, number]) => {
      const mark = statusMark(status);
      mark.append(h('b', {class: 'number'}, count(number)));
      return mark;
    }));
    this.strip.replaceChildren(...[...counts].map(([status, number]) => {
      const part = h('span', {'data-status': status});
      part.style.flexGrow = number;
      return part;
    }));
  }

  #showDetail(row) {
    this.detail.hidden = row === undefined;
    if (row === undefined) {
      this.detail.replaceChildren();
      return;
    }
    const {name, state, response} = row;
    const parts = [];
    const text = (title, value) => {
      if (value === undefined || value === '') return;
      const long = new LongText(`${title} of ${name}`);
      long.show(typeof value === 'string' ? value : JSON.stringify(value, null, 2));
      parts.push(h('h4', {}, title), long.element);
    };
    text('Error', state.error ?? response?.error);
    text('Result', response?.data);
    text('Message', state.progress?.message);
    text('Log', state.progress?.log);
    const key = JSON.stringify([name, state, response]);
    if (this.detailKey === key) return;
    this.detailKey = key;
    this.detail.replaceChildren(h('h3', {}, name, ' ', statusMark(row.status)),
        h('a', {class: 'close', href: jobLink(row.job), 'aria-label': `Close the details of ${name}`}, 'Close'),
        ...(parts.length > 0 ? parts : [h('p', {class: 'quiet'}, 'It has reported nothing but its status.')]));
  }
}

function renderAgent(row, item) {
  const {state, agent, news, took} = row.cells;
  if (row.shown === item || item === null) return;
  row.shown = item;
  const {percent, message} = item.state.progress ?? {};
  const running = percent !== undefined && !isTerminal(item.status);
  setStatus(state.firstChild, item.status);
  setText(agent.firstChild, item.name);
  setAttribute(agent.firstChild, 'href', jobLink(item.job, item.name));
  news.firstChild.hidden = !running;
  news.firstChild.firstChild.style.width = `${Math.min(100, Math.max(0, Number(percent) || 0))}%`;
  const error = item.state.error ?? item.response?.error;
  setText(news.lastChild, String(error ?? (running ? `${percent} % ${message ?? ''}` : '')).slice(0, 500));
  news.lastChild.classList.toggle('error', Boolean(error));
  setText(took, item.state.duration ?? '');
}

class Timeline {
  #events = [];
  #begun = null;

  constructor() {
    this.table = new VirtualTable({
      label: 'Timeline, newest first', rowHeight: ROW_PIXELS,
      itemAt: (position) => this.#events[position] ?? null, keyOf: ({key}) => key,
      render: (row, item) => this.#render(row, item),
      columns: [
        {name: 'time', title: 'Time', create: () => h('time')},
        {name: 'since', title: 'After'},
        {name: 'state', title: 'Event', create: () => statusMark('')},
        {name: 'host', title: 'Host'},
        {name: 'text', title: 'Message'},
      ],
    });
    this.element = h('section', {class: 'card', hidden: true}, h('h2', {}, 'Timeline'), this.table.element);
  }

  show(job) {
    const events = job.timeline ?? [];
    this.#begun = parseTime(job.created) ?? parseTime(events[0]?.timestamp);
    this.#events = events.map((event, i) => ({...event, key: `event ${i} ${event.timestamp} ${event.hostname}`})).reverse();
    this.element.hidden = events.length === 0;
    this.table.body.style.height = `${Math.min(events.length, 12) * ROW_PIXELS}px`;
    this.table.setCount(events.length);
  }

  #render(row, item) {
    if (row.shown === item || item === null) return;
    row.shown = item;
    const {time, since, state, host, text} = row.cells;
    const at = parseTime(item.timestamp);
    setText(time.firstChild, clockTime(item.timestamp));
    setAttribute(time.firstChild, 'title', item.timestamp ?? '');
    setText(since, at === null || this.#begun === null ? '' : `+${duration(Math.max(0, at - this.#begun))}`);
    setStatus(state.firstChild, item.event);
    setText(host, item.hostname === '_api' ? 'submitter' : item.hostname ?? '');
    setText(text, String(item.error ?? item.message ?? '').slice(0, 500));
    setAttribute(text, 'title', String(item.error ?? item.message ?? '').slice(0, 2000));
    text.classList.toggle('error', Boolean(item.error));
  }
}
