// server/api/stream_query.h: The query of a request for a stream: where to go on, and when to end.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <variant>

#include "core/job/condition.h"
#include "core/job/entity_tag.h"
#include "core/job/labels.h"
#include "server/api/hold_query.h"
#include "server/http/message.h"

namespace bide {

struct StreamQuery {
  // The id of the last record that the client got, over whichever transport; the opaque tag of an
  // ETag is such an id, too. nullopt: the client knows nothing, or has sent an id that is not
  // bide's.
  std::optional<EntityTag> last_event_id;
  // When the stream is over; by default when the job is final.
  Condition end = Condition::final();
  SelectionPtr selection = nullptr;    // `label`, of streams without an end.
  std::chrono::milliseconds every{0};  // The least time between two records of one job.
  bool patches = false;
};

// `Last-Event-ID` (WHATWG HTML section 9.2.4), or the parameter `last_event_id` for those that
// cannot send fields: a browser's first request, and its WebSocket. The field counts more, because
// it is newer. `until` and `expect` are as for a held request, without `change`, which every stream
// waits for anyway. `every`: 100ms to 60s. `patch`: json. `ends`: it is a job's stream; other
// streams have no end, and take neither, but `label`.
[[nodiscard]] std::variant<StreamQuery, BadQuery> parse_stream_query(const http::Request& request,
                                                                     bool ends);

}  // namespace bide
