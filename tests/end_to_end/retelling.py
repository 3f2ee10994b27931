"""What a job's states have been, told from its entries: the rules written a second time.

For each agent the event of the highest rank counts, of equals the later one. That holds for ever. A job is not final
while the latest event of an agent is `acknowledged` or `started`.
"""
import collections

RANKS = {"submitted": 0, "acknowledged": 1, "started": 2, "failed": 3, "skipped": 3,
         "completed": 4, "retried": 4}

State = collections.namedtuple("State", "status final agents")


def judge(agents, at_work, expected, for_one):
    """The status and finality of a job whose `agents` have come this far, and of which some may be at work again."""
    kinds = list(agents.values())
    done = [agent for agent, kind in agents.items() if RANKS[kind] > 2]
    if isinstance(expected, list):
        complete = all(agent in done for agent in expected)
    else:
        complete = len(done) >= (expected or 0)
    if not kinds:
        return "submitted", False
    if len(done) < len(kinds) or not complete:
        return "processing", False
    completed = "completed" in kinds or "retried" in kinds
    if "failed" in kinds:
        status = "partial_failure" if completed else "failed"
    elif "skipped" in kinds and not completed:
        status = "skipped"
    else:
        status = "completed"
    return status, bool(for_one or expected) and not at_work


def retell(definition, defined_at, events):
    """Every state the job has had, by revision. `events`: (revision, kind, agent), in any order."""
    expected = definition.get("expected_agents")
    for_one = not definition.get("subject", "").endswith("_all")
    agents, newest, status, final = {}, {}, "submitted", False
    states = {}
    # What is written before the definition shows with it.
    for revision, kind, agent in sorted([*events, (defined_at, None, None)]):
        if kind and RANKS[kind] and agent != "_api":
            newest[agent] = kind
            if RANKS[kind] >= RANKS.get(agents.get(agent), 0):
                agents = {**agents, agent: kind}
            at_work = any(RANKS[kind] < 3 for kind in newest.values())
            status, final = judge(agents, at_work, expected, for_one)
        if revision >= defined_at:
            states[revision] = State(status, final, agents)
    return states
