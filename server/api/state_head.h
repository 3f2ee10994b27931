// server/api/state_head.h: The head of a response that carries the state of a job, or of several.
//
// Laid out by hand and not through http::Response, because 10,000 clients may get the same state
// at once, and all but three of the dozen fields are the same for all of them.
//
// Thread safety: pure function; `out` belongs to the caller.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/job/snapshot.h"
#include "core/parking/waiter.h"
#include "server/http/message.h"
#include "server/net/request_facts.h"

namespace bide {

// 200 with Content-Length of the representation, or 304 if the client knows the state (see
// Snapshot::known_as; RFC 9110 section 15.4.5: the fields a 200 would have had, but for those of
// the content). `waited`: only sent if facts.held. `further`: field lines to add.
void append_state_head(std::string& out, const Snapshot& snapshot, MediaType type,
                       const EntityTag* known_as, Outcome outcome, const RequestFacts& facts,
                       std::chrono::milliseconds waited, std::string_view further = {});

// The fields that tell a held request for a job that does not exist why it is answered now.
void set_outcome(http::Response& response, Outcome outcome, const RequestFacts& facts,
                 TimePoint::duration waited);

}  // namespace bide
