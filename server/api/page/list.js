// The list of jobs: counts, filters, and a table of which only the visible part exists.

import {detailOf} from './api.js';
import {copyButton, h, setAttribute, setStatus, setText, STATUSES, statusMark, wordOf} from './dom.js';
import {feed} from './feed.js';
import {ago, clockTime, count, duration, parseTime, sentence} from './format.js';
import {jobLink, listLink} from './routes.js';
import {Rows} from './rows.js';
import {isTerminal} from './summary.js';
import {VirtualTable} from './virtual.js';

const ROW_PIXELS = 36;
const TYPING_MS = 200;
const EXAMPLE = "bide run demo -- sh -c 'sleep 5; exit 3'";
const LABEL = /^[a-z0-9._/-]{1,63}=.{0,128}$/u;

// filter: {status, labels, text}, as routes.js has it.
export function listView(filter) {
  return new ListView(filter);
}

class ListView {
  title = 'Jobs';
  #total = 0;

  constructor(filter) {
    this.filter = filter;
    this.table = new VirtualTable({
      label: 'Jobs, newest first', rowHeight: ROW_PIXELS, linked: true,
      itemAt: (position) => this.rows.at(position), keyOf: (row) => row.id,
      render: renderRow, onRange: (first, last) => this.rows.want(first, last),
      columns: [
        {name: 'state', title: 'Status', create: () => statusMark('')},
        {name: 'job', title: 'Job', create: () => h('a', {class: 'open'})},
        {name: 'labels', title: 'Labels'},
        {name: 'news', title: 'Progress or error', create: newsCell},
        {name: 'agents', title: 'Agents'},
        {name: 'took', title: 'Took'},
        {name: 'updated', title: 'Changed', create: () => h('time')},
      ],
    });
    this.table.body.addEventListener('keydown', (event) => {
      if (event.key === '/' && !event.ctrlKey) {
        event.preventDefault();
        this.search.focus();
      }
    });
    this.table.body.addEventListener('click', (event) => {
      const row = event.target.closest?.('.row');
      if (row && !event.target.closest('a') && String(getSelection()) === '') row.querySelector('.open').click();
    });
    this.state = h('div', {class: 'list-state'});
    this.summary = h('p', {class: 'quiet total', role: 'status'});
    this.element = h('section', {class: 'list'},
        h('h1', {class: 'off-screen', tabindex: -1}, 'Jobs'), this.#toolbar(), this.#labels(),
        this.table.element, this.state,
        h('footer', {class: 'hints'}, this.summary,
          h('span', {}, h('kbd', {}, '↑'), h('kbd', {}, '↓'), ' move'), h('span', {}, h('kbd', {}, 'Enter'), ' opens'),
          h('span', {}, h('kbd', {}, '/'), ' or ', h('kbd', {}, 'Ctrl K'), ' searches'),
          h('span', {}, h('kbd', {}, 'Esc'), ' goes back')));
    this.rows = new Rows((path, options) => feed.request(path, options), filter, (change) => this.#changed(change));
    this.rows.onReconcile = () => feed.statistics && this.rows.reconcile(feed.statistics, feed.statistics.total);
    this.listeners = {
      jobs: ({detail}) => detail.jobs.forEach((summary) => this.rows.learn(summary)),
      sync: () => this.rows.refresh(),
      state: ({detail}) => {
        if (detail.kind === 'live' && this.rows.total === null) this.rows.refresh();
        this.#changed({shifted: 0});
      },
      statistics: ({detail}) => {
        this.rows.reconcile(detail, this.#total);
        this.#total = detail.total;
        this.#showCounts();
      },
    };
    for (const [name, listener] of Object.entries(this.listeners)) feed.addEventListener(name, listener);
    this.clock = setInterval(() => document.visibilityState === 'visible' && this.table.update(), 1000);
    this.#changed({shifted: 0});
  }

  destroy() {
    clearInterval(this.clock);
    clearTimeout(this.typing);
    for (const [name, listener] of Object.entries(this.listeners)) feed.removeEventListener(name, listener);
    this.rows.destroy();
    this.table.destroy();
  }

  // Puts the keyboard into the search field.
  find() {
    this.search.focus();
    this.search.select();
  }

  back() {
    if (document.activeElement === this.search && this.search.value === '') this.table.focus(0);
    else location.hash = listLink({});
  }

  #toolbar() {
    this.tabs = new Map([null, ...STATUSES].map((status) => {
      const number = h('b', {class: 'number'});
      const link = h('a', {class: 'tab', href: listLink({...this.filter, status}),
                           'aria-current': (this.filter.status ?? null) === status ? 'true' : null,
                           'data-status': status ?? 'all'},
                     status === null ? 'all' : statusMark(status), number);
      return [status, {link, number}];
    }));
    this.search = h('input', {type: 'search', placeholder: 'part of an id', 'aria-label': 'Part of a job id', maxlength: 128,
                              value: this.filter.text, spellcheck: 'false', autocomplete: 'off', 'aria-keyshortcuts': 'Control+K'});
    this.search.addEventListener('input', () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.#typed(), TYPING_MS);
    });
    this.search.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') this.table.focus(this.table.range[0]);
    });
    this.label = h('input', {type: 'text', placeholder: 'label=value', 'aria-label': 'Add a label, as name=value',
                             spellcheck: 'false', autocomplete: 'off'});
    const problem = h('span', {class: 'problem', role: 'alert'});
    const form = h('form', {class: 'label-form', onsubmit: (event) => {
      event.preventDefault();
      const label = this.label.value.trim();
      setText(problem, LABEL.test(label) || label === '' ? '' : 'a label is name=value');
      if (LABEL.test(label)) location.hash = listLink({...this.filter, labels: [...new Set([...this.filter.labels, label])]});
    }}, this.label, problem);
    return h('div', {class: 'toolbar'},
        h('nav', {class: 'tabs', 'aria-label': 'Filter by status'}, [...this.tabs.values()].map(({link}) => link)),
        h('div', {class: 'fields', role: 'search'}, this.search, form));
  }

  #typed() {
    const text = this.search.value.trim();
    const good = /^[A-Za-z0-9_-]*$/.test(text);
    setAttribute(this.search, 'aria-invalid', String(!good));
    if (good && text !== this.filter.text) location.replace(listLink({...this.filter, text}));
  }

  #labels() {
    if (this.filter.labels.length === 0) return null;
    return h('ul', {class: 'chosen', 'aria-label': 'Labels that jobs must have'}, this.filter.labels.map((label) =>
        h('li', {}, h('a', {class: 'label', 'aria-label': `Remove the label ${label}`,
                            href: listLink({...this.filter, labels: this.filter.labels.filter((other) => other !== label)})},
                      label, h('span', {'aria-hidden': 'true'}, ' ×')))));
  }

  #changed({shifted}) {
    if (!this.rows) return;
    const {total, error} = this.rows;
    const known = total !== null;
    if (shifted) this.table.shift(shifted);
    this.table.setCount((total ?? (error ? 0 : 12)) + (this.rows.more ? 1 : 0));
    this.table.element.hidden = total === 0 || (!known && error !== null);
    setAttribute(this.element, 'aria-busy', String(!known && error === null));
    // The notice above the list says enough about the token.
    if (!known && ['forbidden', 'expired'].includes(feed.state.kind)) this.#showState('');
    else if (!known && !error) this.#showState('loading');
    else if (!known) this.#showState('error', detailOf(error));
    else this.#showState(total > 0 || this.rows.more ? '' : isEmpty(this.filter) ? 'empty' : 'no-match');
    this.#showCounts();
  }

  #showCounts() {
    const {counts, total, exact, more} = this.rows;
    const about = exact && !more ? '' : '≥ ';
    for (const [status, {number}] of this.tabs) {
      if (!counts) continue;
      const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
      setText(number, about + count(status === null ? all : counts[status] ?? 0));
    }
    const word = total === 1 ? 'job' : 'jobs';
    const what = isEmpty(this.filter) ? '' : ' match';
    setText(this.summary, total === null ? '' : `${more ? 'more than ' : ''}${count(total)} ${word}${what}`);
  }

  #showState(kind, detail = '') {
    if (this.shown === kind + detail) return;
    this.shown = kind + detail;
    if (kind === '') return this.state.replaceChildren();
    if (kind === 'loading') return this.state.replaceChildren(h('p', {class: 'off-screen'}, 'Jobs are being loaded'));
    if (kind === 'error') {
      return this.state.replaceChildren(h('div', {class: 'empty'}, h('h2', {}, 'The list cannot be shown'),
          h('p', {}, sentence(detail), ' It will be there as soon as bide answers.')));
    }
    if (kind === 'no-match') {
      return this.state.replaceChildren(h('div', {class: 'empty'}, h('h2', {}, 'No job matches'),
          h('p', {}, describe(this.filter)), h('p', {}, h('a', {class: 'button', href: '#/'}, 'Show all jobs'))));
    }
    this.state.replaceChildren(h('div', {class: 'empty'}, h('h2', {}, 'No jobs yet'),
        h('p', {}, 'They appear here the moment they are reported. To see one fail in five seconds, type:'),
        h('div', {class: 'command'}, h('code', {}, EXAMPLE), copyButton('Copy', () => EXAMPLE, 'Copy the command')),
        h('p', {class: 'quiet'}, 'Or let a worker report what it does: ', h('code', {}, 'bide emit ID started'), '.')));
  }
}

const isEmpty = ({status, labels, text}) => !status && labels.length === 0 && text === '';

function describe({status, labels, text}) {
  const parts = [status && `is ${wordOf(status)}`, text && `has “${text}” in its id`, ...labels.map((label) => `has the label ${label}`)];
  return `There is no job that ${parts.filter(Boolean).join(' and ')}.`;
}

function newsCell() {
  return [h('span', {class: 'bar', 'aria-hidden': 'true'}, h('span')), h('span', {class: 'text'})];
}

function renderRow(row, item) {
  const {state, job, labels, news, agents, took, updated} = row.cells;
  const link = job.firstChild;
  if (item === null) {
    setText(link, '…');
    link.removeAttribute('href');
    setStatus(state.firstChild, '');
    for (const cell of [labels, news.lastChild, agents, took, updated.firstChild]) setText(cell, '');
    news.firstChild.hidden = true;
    row.shown = null;
    return;
  }
  const now = Date.now();
  const begun = parseTime(item.created);
  const end = isTerminal(item.status) ? parseTime(item.updated) : now;
  setText(took, begun === null || end === null ? '' : duration(Math.max(0, end - begun)));
  setText(updated.firstChild, ago(item.updated, now));
  if (row.shown === item) return;
  row.shown = item;
  setText(link, item.id);
  setAttribute(link, 'href', jobLink(item.id));
  setStatus(state.firstChild, item.status);
  setAttribute(row, 'data-status', item.status);
  labels.replaceChildren(...item.labels.map(([name, value]) =>
      h('span', {class: 'label', title: `${name}=${value}`}, name, h('span', {class: 'value'}, value))));
  const {percent} = item;
  news.firstChild.hidden = percent === undefined;
  news.firstChild.firstChild.style.width = `${percent ?? 0}%`;
  setText(news.lastChild, percent !== undefined ? `${percent} %${item.message ? ` ${item.message}` : ''}` : item.error ?? '');
  news.lastChild.classList.toggle('error', percent === undefined && Boolean(item.error));
  setAttribute(news.lastChild, 'title', item.error ?? item.message ?? '');
  setText(agents, item.agents > 1 ? count(item.agents) : '');
  setAttribute(updated.firstChild, 'title', clockTime(item.updated));
}
