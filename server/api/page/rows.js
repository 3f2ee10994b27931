// The jobs of a list as far as a tab knows them: any part of it, kept current by the feed.
//
// Positions count from the newest job, 0. A row is stored under `top - position`, so that a new job moves no other row.
// Only parts that were seen are loaded, a page at a time; rows far from what is seen are dropped.

import {summaryOf} from './summary.js';

const PAGE = 100;
const KEPT = 2_000;
const REFRESH_MS = 1_000;       // At most so often.
const QUIET_MS = 1_000;         // The statistics are compared after so long without a change,
const RECONCILE_MAX_MS = 10_000;  // but so often even in a busy queue.

export class Rows {
  total = null;    // Rows there are; null: not known yet.
  exact = true;    // False: `total` is what was found so far.
  counts = null;   // By status, of the jobs that match labels and text.
  error = null;
  #top = 0;
  #rows = new Map();  // top - position -> summary.
  #keys = new Map();  // id -> its key.
  #next = null;       // Cursor, if the list must be read in order.
  #range = [0, 50];
  #loading = false;
  #meanwhile = new Map();  // What was learned while a page was loading, which may be older.
  #again = false;     // Load the visible part anew.
  #refreshedAt = 0;
  #movedAt = 0;
  #reconciledAt = 0;
  #timers = {};
  #aborter = new AbortController();

  // request(path): resolves with a response. filter: {status, labels, text}. changed({shifted}): called after each change;
  // `shifted` rows were inserted at the top.
  constructor(request, filter, changed) {
    Object.assign(this, {request, filter, changed});
    this.#load(true);
  }

  destroy() {
    this.#aborter.abort();
    Object.values(this.#timers).forEach(clearTimeout);
  }

  at(position) {
    return this.#rows.get(this.#top - position) ?? null;
  }

  // These rows are visible.
  want(first, last) {
    this.#range = [first, last];
    if (!this.#loading && this.#missing() !== null) this.#load(false);
  }

  // Reads the visible part again, soon.
  refresh() {
    this.#later('refresh', this.#refreshedAt + REFRESH_MS - Date.now(), () => this.#load(true));
  }

  // The feed has told the newest state of a job.
  learn(summary) {
    if (this.#loading) this.#meanwhile.set(summary.id, summary);
    if (this.total === null) return;
    const key = this.#keys.get(summary.id);
    const fits = this.#matches(summary);
    if (key === undefined) {
      if (fits) this.#insert(summary);
      return;
    }
    const before = this.#rows.get(key);
    if (summary.revision < before.revision) return;
    this.#count(before.status, -1);
    this.#count(summary.status, 1);
    if (fits) this.#rows.set(key, summary);
    else this.#remove(key);
    this.changed({shifted: 0});
  }

  // The statistics of all jobs: whether the list has missed something, such as a deletion.
  reconcile({total, counts}, totalBefore) {
    const {labels, text, status} = this.filter;
    if (labels.length > 0 || text !== '') {
      if (total < totalBefore) this.refresh();
      return;
    }
    this.counts = counts;
    const expected = status ? counts[status] : total;
    if (this.total === null || !this.exact || expected === this.total) return;
    const due = Math.min(this.#movedAt + QUIET_MS, Math.max(this.#reconciledAt, this.#refreshedAt) + RECONCILE_MAX_MS);
    if (due <= Date.now()) {
      this.#reconciledAt = Date.now();
      this.refresh();
    } else {
      this.#later('reconcile', due - Date.now() + 10, () => this.onReconcile?.());
    }
  }

  #later(name, pause, act) {
    if (this.#timers[name]) return;
    this.#timers[name] = setTimeout(() => {
      this.#timers[name] = 0;
      act();
    }, Math.max(0, pause));
  }

  #matches({status, id, labels}) {
    const filter = this.filter;
    return (!filter.status || status === filter.status) && id.includes(filter.text) &&
           filter.labels.every((label) => labels.some(([name, value]) => `${name}=${value}` === label));
  }

  #count(status, change) {
    const {labels, text} = this.filter;
    // Without these the statistics say it.
    if ((labels.length > 0 || text !== '') && this.counts) this.counts[status] = (this.counts[status] ?? 0) + change;
  }

  // Where an unknown job belongs is known by its time of creation, as far as its neighbours are loaded.
  #insert(summary) {
    let position = 0;
    for (let row; (row = this.at(position)) !== null && row.created > summary.created;) ++position;
    const neighboured = position === 0 || position === this.total || this.at(position) !== null;
    const {status, labels, text} = this.filter;
    const unfiltered = !status && labels.length === 0 && text === '';
    if (!neighboured) {
      // Somewhere in a part that was not loaded. If it has just come to match, the total has changed.
      if (!unfiltered) this.refresh();
      return;
    }
    // Made in the same moment as the newest, and not new itself: it is one of those that are not loaded.
    const ambiguous = this.at(position)?.created === summary.created && summary.events > 1;
    if (ambiguous && this.#rows.size < this.total) return this.refresh();
    // The feed tells new jobs in the order of the list. A slow reader may miss the state without events, and hears of the
    // job after jobs that were defined later. Then the time of creation decides, until the list has been read again.
    const isNew = summary.events === 0 && summary.agents === 0;
    if (unfiltered && isNew) position = 0;
    else if (unfiltered && position > 0) this.refresh();
    this.#count(summary.status, 1);
    this.#move(this.#top - position, 1);
    this.#top += 1;
    this.total += 1;
    this.#store(this.#top - position, summary);
    this.#movedAt = Date.now();
    this.#prune();
    this.changed({shifted: position === 0 ? 1 : 0});
  }

  #remove(key) {
    this.#keys.delete(this.#rows.get(key).id);
    this.#rows.delete(key);
    this.#move(key, -1);
    this.#top -= 1;
    this.total -= 1;
    this.#movedAt = Date.now();
  }

  // Moves the rows above `key`, which are newer.
  #move(key, by) {
    const above = [...this.#rows].filter(([other]) => other > key);
    for (const [other] of above) this.#rows.delete(other);
    for (const [other, row] of above) this.#store(other + by, row);
  }

  #store(key, row) {
    this.#rows.set(key, row);
    this.#keys.set(row.id, key);
  }

  #prune() {
    if (this.#rows.size <= KEPT || !this.exact) return;
    const [first, last] = this.#range;
    for (const [key, row] of this.#rows) {
      const position = this.#top - key;
      if (position > first - KEPT / 4 && position < last + KEPT / 4) continue;
      this.#rows.delete(key);
      this.#keys.delete(row.id);
    }
  }

  // The first visible position that is not loaded. null: none.
  #missing() {
    const [first, last] = this.#range;
    for (let position = first; position < Math.min(last, this.total ?? last); ++position) {
      if (this.at(position) === null) return position;
    }
    return null;
  }

  async #load(anew) {
    if (this.#loading) {
      this.#again ||= anew;
      return;
    }
    this.#loading = true;
    if (anew) this.#refreshedAt = Date.now();
    const {signal} = this.#aborter;
    try {
      const ordered = !this.exact;
      const first = anew ? (ordered ? 0 : Math.max(0, this.#range[0] - 20)) : Math.max(0, this.#missing() - 20);
      const place = ordered && !anew ? {cursor: this.#next} : first > 0 ? {offset: first} : {};
      if (!(ordered && !anew && this.#next === null)) {
        const response = await this.request(this.#path(place), {signal});
        const text = await response.text();
        if (signal.aborted) return;
        this.#take(JSON.parse(text), anew, first, ordered);
      }
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
      this.#later('retry', 1000 * Math.max(1, error.retryAfter ?? 0), () => this.#load(true));
    } finally {
      this.#loading = false;
    }
    const meanwhile = [...this.#meanwhile.values()];
    this.#meanwhile.clear();
    for (const summary of meanwhile) this.learn(summary);
    this.changed({shifted: 0});
    const again = this.#again;
    this.#again = false;
    if (again) this.refresh();
    else if (this.error === null && this.#missing() !== null) this.#load(false);
  }

  #take(page, anew, first, ordered) {
    const exact = page.total_exact !== false && !(ordered && !anew);
    this.#next = page.next ?? null;
    if (page.status_counts && (anew || this.counts === null)) this.counts = page.status_counts;
    if (anew) {
      this.#rows.clear();
      this.#keys.clear();
      this.exact = exact;
    }
    if (this.exact) {
      // Jobs that came at the top since the page was made have moved it.
      const moved = anew ? 0 : Math.max(0, this.total - page.total_items);
      if (anew) this.#top = page.total_items - 1;
      this.total = anew ? page.total_items : this.total;
      page.items.forEach((job, i) => this.#put(first + moved + i, job));
    } else {
      const from = anew ? 0 : this.total;
      page.items.forEach((job, i) => this.#put(from + i, job));
      this.total = from + page.items.length;
      // A row that is not known has the next part loaded when it is seen.
      this.more = this.#next !== null;
    }
    this.#prune();
  }

  #put(position, job) {
    const summary = summaryOf(job);
    const key = this.#top - position;
    const known = this.#keys.get(job.id);
    if (known !== undefined && known !== key) this.#rows.delete(known);
    const other = this.#rows.get(key);
    if (other && other.id !== job.id) this.#keys.delete(other.id);
    this.#store(key, summary);
  }

  #path({offset, cursor}) {
    const query = new URLSearchParams({limit: PAGE});
    if (this.filter.status) query.set('status', this.filter.status);
    for (const label of this.filter.labels) query.append('label', label);
    if (this.filter.text) query.set('q', this.filter.text);
    if (cursor) query.set('cursor', cursor);
    else if (offset) query.set('offset', offset);
    return `job?${query}`;
  }
}
