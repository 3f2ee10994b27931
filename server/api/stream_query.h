// server/api/stream_query.h: What a request for a stream says: where to go on, and when to end.
//
// Thread safety: pure functions.
#pragma once

#include <httplib.h>

#include <optional>
#include <variant>

#include "core/job/condition.h"
#include "core/job/entity_tag.h"
#include "server/api/hold_query.h"

namespace bide {

struct StreamQuery {
  // What the client knows already: the id of the last record it got, on whichever road; the opaque
  // tag of an ETag is one. None: it knows nothing, as for an id that is not bide's.
  std::optional<EntityTag> last_event_id;
  // When the stream is over; by default when the job is final.
  Condition end = Condition::final();
};

// `Last-Event-ID` (WHATWG HTML section 9.2.4), or the parameter `last_event_id` for those that
// cannot send fields: a browser's first request, and its WebSocket. The field is the later news.
// `until` and `expect` as for a held request, but for `change`: streams do nothing else. `ends`: it
// is a job's stream; others have no end that could be named.
[[nodiscard]] std::variant<StreamQuery, BadQuery> parse_stream_query(
    const httplib::Request& request, bool ends);

}  // namespace bide
