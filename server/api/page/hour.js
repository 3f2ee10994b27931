// The last hour, as this tab has seen it: how many jobs ended, and how; how many were at work.

import {h, setText, statusMark, STATUSES, svg, wordOf} from './dom.js';
import {feed} from './feed.js';
import {count} from './format.js';
import {listLink} from './routes.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;
const ENDED = ['completed', 'skipped', 'partial_failure', 'failed'];
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [1180, 220, 44, 22];

// Collects from the start of the tab, whichever view is open: a minute's {changes, ended: {status: n}, processing}.
class History {
  minutes = new Map();

  start() {
    this.since = Date.now();
    feed.addEventListener('jobs', ({detail: {seen}}) => {
      if (seen === null) return;
      const minute = this.#now();
      minute.changes += seen.changes;
      for (const [status, number] of Object.entries(seen.ended)) minute.ended[status] = (minute.ended[status] ?? 0) + number;
    });
    feed.addEventListener('statistics', ({detail: {counts}}) => {
      const minute = this.#now();
      minute.processing = Math.max(minute.processing ?? 0, counts.processing ?? 0);
    });
  }

  #now() {
    const now = Math.floor(Date.now() / MINUTE_MS);
    if (!this.minutes.has(now)) {
      this.minutes.set(now, {changes: 0, ended: {}, processing: null});
      for (const old of this.minutes.keys()) if (old <= now - MINUTES) this.minutes.delete(old);
    }
    return this.minutes.get(now);
  }

  // The last hour, oldest minute first. A minute without news has the jobs at work of the one before.
  bars() {
    const now = Math.floor(Date.now() / MINUTE_MS);
    let processing = null;
    return Array.from({length: MINUTES}, (_, i) => {
      const minute = this.minutes.get(now - MINUTES + 1 + i);
      processing = minute?.processing ?? processing;
      return {minute: now - MINUTES + 1 + i, changes: 0, ended: {}, ...minute, processing};
    });
  }
}

export const history = new History();

export function hourView() {
  return new HourView();
}

class HourView {
  title = 'Last hour';

  constructor() {
    this.tiles = new Map(STATUSES.map((status) => [status, h('b', {class: 'number'}, '–')]));
    this.total = h('b', {class: 'number'}, '–');
    this.chart = svg('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'chart', 'aria-labelledby': 'chart-title'});
    this.sentence = h('p', {id: 'chart-title'});
    this.rows = h('tbody');
    this.element = h('section', {class: 'hour'}, h('h1', {tabindex: -1}, 'Last hour'),
        h('div', {class: 'tiles'}, h('a', {class: 'tile', href: '#/'}, h('span', {}, 'all jobs'), this.total),
          [...this.tiles].map(([status, number]) =>
              h('a', {class: 'tile', href: listLink({status}), 'data-status': status}, statusMark(status), number))),
        h('section', {class: 'card'}, h('h2', {}, 'Jobs that ended, by minute'), this.sentence, this.chart,
          h('p', {class: 'legend'}, ENDED.map((status) => statusMark(status)),
            h('span', {class: 'line-legend'}, h('span', {class: 'swatch', 'aria-hidden': 'true'}), 'processing, most at a time')),
          h('details', {}, h('summary', {}, 'As a table'), h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Jobs that ended, by minute'},
            h('table', {}, h('thead', {}, h('tr', {}, ['Minute', ...ENDED.map(wordOf), 'processing', 'changes'].map((text) =>
                h('th', {scope: 'col'}, text)))), this.rows)))));
    this.update = () => this.#draw();
    feed.addEventListener('statistics', this.update);
    this.clock = setInterval(() => document.visibilityState === 'visible' && this.#draw(), 1000);
    this.#draw();
  }

  destroy() {
    clearInterval(this.clock);
    feed.removeEventListener('statistics', this.update);
  }

  back() {
    location.hash = listLink({});
  }

  #draw() {
    const {statistics} = feed;
    if (statistics) {
      setText(this.total, count(statistics.total));
      for (const [status, number] of this.tiles) setText(number, count(statistics.counts[status] ?? 0));
    }
    const bars = history.bars();
    const key = JSON.stringify(bars);
    if (this.drawn === key) return;
    this.drawn = key;
    const sums = Object.fromEntries(ENDED.map((status) => [status, bars.reduce((sum, {ended}) => sum + (ended[status] ?? 0), 0)]));
    const all = Object.values(sums).reduce((sum, one) => sum + one, 0);
    const minutes = Math.min(MINUTES, Math.max(1, Math.ceil((Date.now() - history.since) / MINUTE_MS)));
    const kinds = ENDED.filter((status) => sums[status] > 0).map((status) => `${count(sums[status])} ${wordOf(status)}`);
    setText(this.sentence, `In the ${minutes === 1 ? 'minute' : `${minutes} minutes`} that this tab has watched, ${
        all === 0 ? 'no job ended. The chart grows while the tab is open.' : `${count(all)} ${all === 1 ? 'job' : 'jobs'} ended: ${kinds.join(', ')}.`}`);
    this.#drawChart(bars);
    const clock = (minute) => new Date(minute * MINUTE_MS).toLocaleTimeString(undefined, {hour: '2-digit', minute: '2-digit'});
    this.rows.replaceChildren(...bars.filter(({changes, processing}) => changes > 0 || processing !== null).reverse().map((bar) =>
        h('tr', {}, h('th', {scope: 'row'}, clock(bar.minute)), [...ENDED.map((status) => bar.ended[status] ?? 0), bar.processing ?? '', bar.changes].map(
            (value) => h('td', {}, typeof value === 'number' ? count(value) : value)))));
  }

  #drawChart(bars) {
    const height = (bar) => ENDED.reduce((sum, status) => sum + (bar.ended[status] ?? 0), 0);
    const most = niceCeiling(Math.max(...bars.map((bar) => Math.max(height(bar), bar.processing ?? 0))));
    const plot = HEIGHT - BOTTOM - 8;
    const y = (value) => 8 + plot * (1 - value / most);
    const step = (WIDTH - LEFT) / MINUTES;
    const parts = [0, most / 2, most].filter(Number.isInteger).flatMap((value) => [
      svg('line', {class: 'grid', x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value)}),
      svg('text', {x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end'}, count(value))]);
    bars.forEach((bar, i) => {
      let below = 0;
      for (const status of ENDED) {
        const value = bar.ended[status] ?? 0;
        if (value === 0) continue;
        parts.push(svg('rect', {'data-status': status, x: LEFT + i * step + 1, width: step - 2, y: y(below + value),
                                height: Math.max(1, plot * value / most)}));
        below += value;
      }
    });
    const points = bars.flatMap(({processing}, i) => processing === null ? [] :
        [`${LEFT + i * step},${y(processing)}`, `${LEFT + (i + 1) * step},${y(processing)}`]);
    if (points.length > 0) parts.push(svg('polyline', {class: 'processing', points: points.join(' ')}));
    for (const [text, x, anchor] of [['60 min ago', LEFT, 'start'], ['30', LEFT + (WIDTH - LEFT) / 2, 'middle'], ['now', WIDTH, 'end']]) {
      parts.push(svg('text', {x, y: HEIGHT - 4, 'text-anchor': anchor}, text));
    }
    this.chart.replaceChildren(...parts);
  }
}

function niceCeiling(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}
