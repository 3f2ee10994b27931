// The types of bide.js. docs/api.md describes the members of a job.

export type Status = "submitted" | "processing" | "completed" | "failed" | "skipped" | "partial_failure";
export type EventName =
  | "submitted" | "acknowledged" | "started" | "progress" | "completed" | "failed" | "skipped" | "retried";

export interface Job {
  id: string;
  status: Status;
  final: boolean; // It cannot change any more.
  created?: string;
  updated_at?: string;
  labels?: Record<string, string>;
  hostname?: string;
  error?: string;
  changed?: boolean;
  operation?: unknown;
  result?: unknown;
  responses?: Record<string, { status: string; data?: unknown; changed?: boolean; error?: string; hostname?: string }>;
  agent_states?: Record<string, { status?: EventName; error?: string; duration?: string; progress?: Progress }>;
  timeline?: { timestamp: string; event: EventName; hostname: string; message?: string; error?: string }[];
  revision: number;
}

export interface Progress {
  percent: number;
  message?: string;
  log?: string;
}

export interface Event {
  event: EventName;
  agent?: string; // Who reports; "worker" by default.
  timestamp?: string; // RFC 3339; now by default.
  data?: { error?: string; message?: string; percent?: number; log?: string; [name: string]: unknown };
}

export interface Options {
  timeoutMs?: number; // Default: 30 s; of wait() 10 minutes; of follow() none.
  signal?: AbortSignal; // Cancels the call, which then rejects with the signal's reason.
  // Called with each error that is tried again, and with null when all is well.
  onTrouble?: (trouble: BideError | null) => void;
}

export interface Missing {
  missing?: "wait" | "fail"; // Whether to wait for a job that does not exist yet. Default: "wait".
}

export class BideError extends Error {
  // "trouble" is worth another try; all calls but request() make it.
  kind: "auth" | "not-found" | "gone" | "timeout" | "refused" | "trouble";
  status: number; // Of the answer; 0: there was none.
  problem: { type?: string; title?: string; status?: number; detail?: string; [name: string]: unknown };
  retryAfter: number; // In seconds.
}

export class Bide {
  constructor(
    server: string | URL,
    settings?: { token?: string | (() => string | undefined | Promise<string | undefined>); fetch?: typeof fetch },
  );
  get(id: string, options?: Options): Promise<Job>;
  // `headers`: such as { "Cache-Control": "max-stale" }.
  read(path: string, options?: Options & { headers?: Record<string, string> }): Promise<unknown>;
  // `until`: "done" (default), "succeeded", "exists", or status words with commas between them.
  wait(id: string, options?: Options & Missing & { until?: string }): Promise<Job>;
  // `every`: at most one state of each job in this time, such as "2s". Do not change the jobs: later ones share parts.
  follow(id?: string, options?: Options & Missing & { every?: string }): AsyncGenerator<Job, void, void>;
  // `key`: the Idempotency-Key, by default a new one for each call.
  report(id: string, event: EventName | Event, options?: Options & { key?: string }): Promise<Status>;
  request(path: string, init?: RequestInit): Promise<Response>;
}

export interface Message {
  event: string; // "" for a comment, such as a heartbeat.
  id?: string;
  data?: string;
}
export function readEvents(response: Response): AsyncGenerator<Message, void, void>;
// The job after a `patch` record: `operations` is its data, parsed. `job` does not change; the two share parts.
export function withPatch(job: Job, operations: object[]): Job;
