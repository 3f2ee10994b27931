// Times, durations and command lines, as people read and type them.

export function parseTime(text) {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? null : time;
}

const CLOCK = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const DAY = new Intl.DateTimeFormat(undefined, {year: 'numeric', month: 'short', day: '2-digit'});

// `14:03:07`, or with the day if that is not today.
export function clockTime(text, now = Date.now()) {
  const time = parseTime(text);
  if (time === null) return '';
  const today = new Date(time).toDateString() === new Date(now).toDateString();
  return today ? CLOCK.format(time) : `${DAY.format(time)} ${CLOCK.format(time)}`;
}

// `now`, `12 s ago`, `3 min ago`, `5 h ago`, `2 d ago`.
export function ago(text, now = Date.now()) {
  const time = parseTime(text);
  if (time === null) return '';
  const seconds = Math.round((now - time) / 1000);
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

// `0.3 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`.
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (!(seconds >= 0)) return '';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const pad = (number) => String(Math.floor(number)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${pad(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${pad(seconds % 86400 / 3600)} h`;
}

export const count = (number) => new Intl.NumberFormat().format(number);

// bide's details begin with a small letter and have no period.
export const sentence = (detail) => `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;

export function bytes(size) {
  if (size < 1024) return `${size} bytes`;
  return size < 1024 * 1024 ? `${Math.round(size / 1024)} KiB`
                            : `${(size / 1024 / 1024).toFixed(1)} MiB`;
}

// A word of a POSIX shell that stands for the text.
export function shellWord(text) {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// The lines that people copy. `server`: bide's address with its base path, without a last slash.
export function curlLine(server, id, {needsToken, until} = {}) {
  const token = needsToken ? '-H "Authorization: Bearer $BIDE_TOKEN" ' : '';
  return `curl ${token}${shellWord(`${server}/job/${id}${until ? `?until=${until}&wait=55s` : ''}`)}`;
}

export function waitLine(server, id) {
  return `bide wait ${id} --server ${shellWord(server)}`;
}
