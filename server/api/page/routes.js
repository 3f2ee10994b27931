// Addresses within the page: `#/?status=failed&label=a=b&q=TEXT`, `#/job/ID?agent=NAME`, `#/hour`. They are fragments, so
// they never reach a server or its log, and work below any base path.

import {STATUSES} from './dom.js';

const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;
const LABELS_MAX = 16;

export const isJobId = (text) => JOB_ID.test(text) && text !== 'status' && text !== 'events';

export function listLink({status, labels = [], text = ''}) {
  const query = new URLSearchParams();
  if (status) query.set('status', status);
  for (const label of labels) query.append('label', label);
  if (text) query.set('q', text);
  return `#/${String(query) && `?${query}`}`;
}

export const jobLink = (id, agent) => `#/job/${id}${agent === undefined ? '' : `?${new URLSearchParams({agent})}`}`;

// {view: 'list', filter} | {view: 'job', id, agent} | {view: 'hour'} | {view: 'unknown'}. Takes any text.
export function parseRoute(hash) {
  const [path, ...rest] = hash.replace(/^#/, '').split('?');
  const query = new URLSearchParams(rest.join('?'));
  if (path === '' || path === '/') {
    const status = query.get('status');
    const text = query.get('q') ?? '';
    const filter = {
      status: STATUSES.includes(status) ? status : null,
      labels: [...new Set(query.getAll('label'))].filter((label) => label.indexOf('=') > 0).slice(0, LABELS_MAX),
      text: /^[A-Za-z0-9_-]{0,128}$/.test(text) ? text : '',
    };
    return {view: 'list', filter};
  }
  if (path === '/hour') return {view: 'hour'};
  const id = path.startsWith('/job/') ? path.slice('/job/'.length) : '';
  return isJobId(id) ? {view: 'job', id, agent: query.get('agent')} : {view: 'unknown'};
}
