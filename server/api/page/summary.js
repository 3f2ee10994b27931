// What the list shows of a job: small, whatever the job holds.

const TEXT_MAX = 300;
const LABELS_MAX = 16;

const cut = (text) => typeof text === 'string' ? text.slice(0, TEXT_MAX) : undefined;

export const isTerminal = (status) =>
    ['completed', 'failed', 'skipped', 'partial_failure'].includes(status);

export function summaryOf(job) {
  const states = Object.values(job.agent_states ?? {});
  return {
    id: job.id, status: job.status, final: job.final, revision: job.revision,
    created: job.created, updated: job.updated_at ?? job.created,
    labels: Object.entries(job.labels ?? {}).slice(0, LABELS_MAX),
    error: cut(job.error), hostname: cut(job.hostname),
    agents: states.length, events: job.timeline?.length ?? 0, ...progressOf(job, states),
  };
}

// How far a job has come: `percent` is that of its agents together (those that are done count as
// 100), `message` that of the only one. Nothing if no agent reports progress, or the job is over.
export function progressOf(job, states = Object.values(job.agent_states ?? {})) {
  if (isTerminal(job.status) || !states.some((state) => state.progress)) return {};
  const percentOf = ({status, progress}) =>
      isTerminal(status) ? 100 : Math.min(100, Math.max(0, Number(progress?.percent) || 0));
  const percent = states.reduce((sum, state) => sum + percentOf(state), 0) / states.length;
  return {percent: Math.round(percent),
          message: states.length === 1 ? cut(states[0].progress.message) : undefined};
}
