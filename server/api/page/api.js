// Requests to bide, and the reading of its event streams.

// bide's address: modules are at `assets/HASH/` below it.
export const BASE = new URL('../../', import.meta.url);

// An answer that is not the wanted one. `status` 0: there was none.
export class ApiError extends Error {
  constructor(status, problem = {}, retryAfter = 0) {
    super(problem.detail ?? (status ? `HTTP status ${status}` : 'no answer'));
    Object.assign(this, {status, problem, retryAfter});
  }
}

// The fields of every request. `stale`: jobs may be old, because NATS is away.
export function fieldsFor(token, stale = false) {
  return {...(token && {Authorization: `Bearer ${token}`}), ...(stale && {'Cache-Control': 'max-stale'})};
}

// One GET of `path`, relative to bide's base path. Resolves with the response of a 200, 204 or 304.
export async function request(path, {headers, signal} = {}) {
  let response;
  try {
    response = await fetch(new URL(path, BASE), {headers, signal, cache: 'no-store', redirect: 'error'});
  } catch (error) {
    signal?.throwIfAborted();
    throw new ApiError(0, {detail: error.message});
  }
  if ([200, 204, 304].includes(response.status)) return response;
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, problem, Number(response.headers.get('Retry-After')) || 0);
}

// The records of an event stream (WHATWG HTML section 9.2): {event, id, data}. A comment is a record
// without an event. Costs what arrives, once, however the bytes are cut.
export async function* recordsOf(response, onBytes = () => {}) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let begun = [];  // The pieces of a line that has not ended.
  let record = {};
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    onBytes(value.length);
    const lines = value.split('\n');
    const next = lines.pop();
    for (const end of lines) {
      const line = begun.length > 0 ? begun.join('') + end : end;
      begun = [];
      if (line === '') {
        if (record.event !== undefined) yield record;
        record = {};
        continue;
      }
      const colon = line.indexOf(':');
      if (colon > 0) record[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
    }
    if (next !== '') begun.push(next);
  }
}
