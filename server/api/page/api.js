// Requests to bide: its own client for JavaScript, at the address that the page came from.

import {Bide, BideError} from './bide.js';

export {readEvents, withPatch} from './bide.js';

// bide's address with its base path: modules are at `assets/HASH/` below it.
export const BASE = new URL('../../', import.meta.url);

export const bideWith = (token) => new Bide(BASE, {token});

// What bide would have said.
export const failure = (status, detail) => new BideError('trouble', detail, {status, problem: {detail}});

// In bide's own words, if it was bide that answered.
export const detailOf = (error) => error.problem?.detail ?? error.message;
