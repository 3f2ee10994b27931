// The one connection of all tabs: a SharedWorker that reads `/job/events` and tells every tab what
// changed. HTTP/1.1 gives a browser six connections to a server; a stream for each tab would use
// them up.
//
// Tabs with the same token share a channel: one stream, and one held request for the statistics
// (which also notices deletions, since the feed does not report them, and that NATS is away). A
// channel ends with its last tab. Tokens are kept in memory only.
//
// From a tab:   {type: 'hello', token, visible}, first and whenever one of them changes;
//               {type: 'watch', id}: of this job it wants the whole state, null: of none;
//               {type: 'retry'}: now; {type: 'here'}: every 20 s; {type: 'bye'}.
// To a tab:     {type: 'state', kind, detail, retryAt}, see Channel.tellState();
//               {type: 'jobs', jobs, seen}: summaries of jobs that changed, and how many;
//               {type: 'job', job}: the one it watches;
//               {type: 'statistics', total, counts};
//               {type: 'sync'}: changes may have been missed, read again.
//
// Cost: a job that changes often is sent every 50 ms at most. Hidden tabs get nothing but counts
// until they are shown.

import {bideWith, detailOf, failure, readEvents, withPatch} from './api.js';
import {isTerminal, summaryOf} from './summary.js';

// Without `every`, whose rounds would delay a change of one job by that of another.
const FEED = 'job/events?patch=json';
const FLUSH_MS = 50;
const SILENCE_MS = 40_000;  // A stream has a heartbeat every 15 s.
const LIVE_AFTER_MS = 250;  // In trouble, bide ends a stream at once.
const HELD = '15s';         // So soon is noticed that NATS is away.
const PAUSE_MAX_MS = 5_000;
const KNOWN_JOBS_MAX = 2_000;
const KNOWN_BYTES_MAX = 32 << 20;
const MISSED_MAX = 2_000;
const TAB_SILENCE_MS = 180_000;  // A hidden tab's timers run once a minute.

const channels = new Map();  // By token; '': none.

// Serves a tab at the other end of the port.
export function serve(port) {
  const tab = {
    visible: true, watched: null, missed: new Map(), overflowed: false, heard: Date.now(),
    post: (message) => port.postMessage(message),
  };
  let channel = null;
  const leave = () => {
    channel?.leave(tab);
    channel = null;
  };
  tab.leave = leave;
  port.onmessage = ({data}) => {
    tab.heard = Date.now();
    if (data.type === 'bye') return leave();
    if (data.type === 'hello') {
      tab.visible = data.visible;
      if (channel?.token !== data.token) {
        leave();
        channel = channels.get(data.token) ?? new Channel(data.token);
        channel.join(tab);
      } else if (tab.visible) {
        channel.catchUp(tab);
      }
    }
    if (data.type === 'watch') {
      tab.watched = data.id;
      channel?.showWatched(tab);
    }
    if (data.type === 'retry') channel?.retry();
  };
  port.start?.();
}

class Channel {
  tabs = new Set();
  // The newest states of the jobs that changed last: id -> {job, bytes, measured, base}. `measured` is the size of the
  // job's JSON when it was last measured; `bytes` is at least its size now, and at most twice `measured`. `base` says
  // whether the stream's next patch leads from this state.
  known = new Map();
  knownBytes = 0;
  // Jobs that are being read: id -> the revision of the last patch that the stream has sent; null if it has sent the
  // whole state since.
  asked = new Map();
  pending = new Map();  // Not told yet: id -> summary.
  seen = {changes: 0, ended: {}};
  flushedAt = 0;
  flushTimer = 0;
  lastTag = '';
  statistics = null;
  streamOpen = false;
  stale = '';    // Why jobs may be old; '': they are not.
  trouble = {kind: 'connecting', detail: ''};
  refused = null;  // {kind, detail}: this token will not do.
  aborter = new AbortController();
  wakes = new Set();  // End the pauses between attempts.

  constructor(token) {
    this.token = token;
    this.bide = bideWith(token);
    channels.set(token, this);
    this.start();
  }

  // --- Its tabs ---

  join(tab) {
    this.tabs.add(tab);
    if (this.refused) this.start();
    tab.post(this.state());
    if (this.statistics) tab.post(this.statistics);
    this.showWatched(tab);
  }

  leave(tab) {
    this.tabs.delete(tab);
    if (this.tabs.size > 0) return;
    this.aborter.abort();
    channels.delete(this.token);
  }

  // The tab has become visible.
  catchUp(tab) {
    const dropped = !this.showWatched(tab) && tab.missed.has(tab.watched);
    if (tab.overflowed || dropped) tab.post({type: 'sync'});
    else if (tab.missed.size > 0) tab.post({type: 'jobs', jobs: [...tab.missed.values()], seen: null});
    tab.missed.clear();
    tab.overflowed = false;
  }

  // False: the state of the job is not known, or not any more.
  showWatched(tab) {
    const known = this.known.get(tab.watched);
    if (known) tab.post({type: 'job', job: known.job});
    return known !== undefined;
  }

  tell(message) {
    const now = Date.now();
    for (const tab of [...this.tabs]) {
      if (now - tab.heard > TAB_SILENCE_MS) tab.leave();
      else tab.post(message);
    }
  }

  // kind: `connecting`, `live`, `stale` (NATS is away), `offline` (bide does not answer), `unauthorized`
  // (a token is needed, or another one), `expired`, `forbidden`. retryAt: when it is tried again.
  state() {
    const now = this.refused ?? (!this.streamOpen ? this.trouble
        : this.stale ? {kind: 'stale', detail: this.stale} : {kind: 'live', detail: ''});
    return {type: 'state', ...now};
  }

  tellState() {
    const state = this.state();
    const text = JSON.stringify(state);
    if (text === this.told) return;
    this.told = text;
    this.tell(state);
  }

  // --- Its two requests ---

  start() {
    this.refused = null;
    this.told = '';  // A tab that joins now hears that it connects, and has to hear how that ends.
    this.aborter.abort();
    this.aborter = new AbortController();
    const {signal} = this.aborter;
    this.keepUp(signal, () => this.follow(signal));
    this.keepUp(signal, () => this.hold(signal));
  }

  // Repeats `attempt` after pauses that grow while it fails, until it is refused or aborted.
  async keepUp(signal, attempt) {
    let span = 500;
    while (!signal.aborted) {
      const begun = Date.now();
      let pause = 0;
      try {
        await attempt();
        if (Date.now() - begun > 2000) span = 500;
      } catch (error) {
        if (signal.aborted) return;
        if (this.refuse(error)) return;
        pause = (error.retryAfter ?? 0) * 1000;
      }
      pause = Math.max(pause, span / 2 + Math.random() * span / 2);
      span = Math.min(2 * span, PAUSE_MAX_MS);
      if (!this.streamOpen) {
        this.trouble = {...this.trouble, retryAt: Date.now() + pause};
        this.tellState();
      }
      await new Promise((resolve) => {
        this.wakes.add(resolve);
        setTimeout(resolve, pause);
      });
    }
  }

  retry() {
    if (this.refused) this.start();
    for (const wake of this.wakes) wake();
    this.wakes.clear();
  }

  // True: no further attempt can succeed.
  refuse(error) {
    const {status} = error;
    if (status !== 401 && status !== 403) {
      if (!this.streamOpen) {
        this.trouble = {kind: 'offline', detail: detailOf(error)};
        this.tellState();
      }
      return false;
    }
    const expired = status === 401 && /expired/.test(detailOf(error));
    this.refused = {kind: status === 403 ? 'forbidden' : expired ? 'expired' : 'unauthorized',
                    detail: detailOf(error)};
    this.streamOpen = false;
    this.aborter.abort();
    this.tellState();
    return true;
  }

  async follow(signal) {
    const own = new AbortController();
    const abort = () => own.abort();
    signal.addEventListener('abort', abort, {once: true});
    let watchdog = 0;
    const beat = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(abort, SILENCE_MS);
    };
    let liveTimer = 0;
    const live = () => {
      if (this.streamOpen || signal.aborted) return;
      this.streamOpen = true;
      this.tellState();
      this.tell({type: 'sync'});
    };
    try {
      beat();
      const response = await this.bide.request(FEED, {
        signal: own.signal,
        headers: {Accept: 'text/event-stream', ...(this.lastTag && {'Last-Event-ID': this.lastTag})},
      });
      liveTimer = setTimeout(live, LIVE_AFTER_MS);
      for await (const record of readEvents(response)) {
        beat();
        if (record.event !== 'hello') live();
        this.take(record);
      }
      this.trouble = {kind: 'offline', detail: 'the stream has ended'};
    } catch (error) {
      if (signal.aborted || !own.signal.aborted) throw error;
      throw failure(0, 'nothing was heard for a while');
    } finally {
      clearTimeout(watchdog);
      clearTimeout(liveTimer);
      signal.removeEventListener('abort', abort);
      own.abort();
      this.streamOpen = false;
      if (!signal.aborted) this.tellState();
    }
  }

  take({event, id: tag, data}) {
    if (event === 'auth-expired') {
      throw failure(401, 'the token has expired; get a new one');
    }
    if (event !== 'job' && event !== 'patch') return;
    const [epoch, revision] = tag.split('-');
    // The bucket was made anew. Revisions begin again, so nothing that is known is of use.
    if (this.lastTag && !this.lastTag.startsWith(`${epoch}-`)) {
      this.forget();
      this.tell({type: 'sync'});
    }
    if (event === 'job') this.learnWhole(JSON.parse(data), data.length);
    else this.learnPatch(JSON.parse(data), data.length, Number(revision));
    this.lastTag = tag;  // After an error the stream is resumed before this record.
  }

  learnWhole(job, bytes) {
    if (this.asked.has(job.id)) this.asked.set(job.id, null);
    this.learn(job, {bytes, measured: bytes, base: true});
  }

  // A patch begins with a test of the job's id. It leads from the state that the stream sent last.
  learnPatch(operations, bytes, revision) {
    const id = operations[0].value;
    const known = this.known.get(id);
    if (!known?.base) {
      const asks = this.asked.has(id);
      this.asked.set(id, revision);
      if (!asks) this.read(id);
      return;
    }
    const job = withPatch(known.job, operations);
    let {measured} = known;
    bytes += known.bytes;
    // A patch may have replaced much, so the sum grows without bound. Measured at each doubling, it costs little.
    if (bytes > 2 * measured) bytes = measured = JSON.stringify(job).length;
    this.learn(job, {bytes, measured, base: true});
  }

  // Reads a job whose state was dropped. An answer may be newer than what the stream has sent. The stream's next patch
  // does not lead from such a state.
  async read(id) {
    const {asked} = this;
    try {
      for (let revision = -1; revision < asked.get(id);) {
        // `no-cache`: another server may be behind, and must catch up first.
        const job = await this.bide.read(`job/${id}`, {signal: this.aborter.signal, timeoutMs: 10_000,
                                                       headers: {'Cache-Control': 'no-cache'}});
        const told = asked.get(id);
        if (told === null || asked !== this.asked) return;
        ({revision} = job);
        const bytes = JSON.stringify(job).length;
        if (revision >= told) this.learn(job, {bytes, measured: bytes, base: revision === told});
      }
    } catch {
      this.tell({type: 'sync'});
    } finally {
      asked.delete(id);
    }
  }

  learn(job, state) {
    const before = this.known.get(job.id);
    if (before) {
      this.known.delete(job.id);
      this.knownBytes -= before.bytes;
    }
    this.known.set(job.id, {job, ...state});
    this.knownBytes += state.bytes;
    for (const [oldest, {bytes: its}] of this.known) {
      if (this.known.size <= KNOWN_JOBS_MAX && this.knownBytes <= KNOWN_BYTES_MAX) break;
      this.known.delete(oldest);
      this.knownBytes -= its;
    }
    this.seen.changes += 1;
    if (isTerminal(job.status) && before?.job.status !== job.status) {
      this.seen.ended[job.status] = (this.seen.ended[job.status] ?? 0) + 1;
    }
    this.pending.set(job.id, summaryOf(job));
    if (this.flushTimer !== 0) return;
    const pause = this.flushedAt + FLUSH_MS - Date.now();
    if (pause <= 0 || pause > FLUSH_MS) this.flush();
    else this.flushTimer = setTimeout(() => this.flush(), pause);
  }

  forget() {
    this.known.clear();
    this.knownBytes = 0;
    this.asked = new Map();
  }

  flush() {
    this.flushTimer = 0;
    this.flushedAt = Date.now();
    const {pending, seen} = this;
    this.pending = new Map();
    this.seen = {changes: 0, ended: {}};
    const all = {type: 'jobs', jobs: [...pending.values()], seen};
    for (const tab of this.tabs) {
      if (tab.visible) {
        tab.post(all);
        if (pending.has(tab.watched) && !this.showWatched(tab)) tab.post({type: 'sync'});
        continue;
      }
      tab.post({type: 'jobs', jobs: [], seen});
      if (tab.overflowed) continue;
      for (const [id, summary] of pending) tab.missed.set(id, summary);
      if (tab.missed.size <= MISSED_MAX) continue;
      tab.missed.clear();
      tab.overflowed = true;
    }
  }

  // Keeps a request for the statistics held. Returns never, but throws.
  async hold(signal) {
    for (let tag = ''; !signal.aborted;) {
      const begun = Date.now();
      let response;
      try {
        const headers = tag && {'If-None-Match': tag};
        response = await this.bide.request(`job/status?wait=${HELD}`, {signal, headers});
      } catch (error) {
        if (error.status === 503) this.setStale(detailOf(error));
        throw error;
      }
      this.setStale('');
      tag = response.headers.get('ETag') ?? '';
      if (response.status === 200) {
        const {total_jobs: total, status_counts: counts} = await response.json();
        this.statistics = {type: 'statistics', total, counts};
        this.tell(this.statistics);
      }
      // In a busy queue they change all the time; and who is not held must not ask at once.
      const watched = [...this.tabs].some((tab) => tab.visible);
      const due = begun + (watched ? 1000 : 5000);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
    }
  }

  setStale(reason) {
    const changed = this.stale !== reason;
    this.stale = reason;
    if (!changed) return;
    this.tellState();
    if (!reason) this.tell({type: 'sync'});
  }
}

// Unused in a tab that has no SharedWorker and imports this module itself.
globalThis.onconnect = ({ports: [port]}) => serve(port);
