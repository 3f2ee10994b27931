// server/job_head.h: The head of a response that carries a job's representation.
//
// Laid out by hand and not through httplib::Response: of the dozen fields all but three are the
// same for everybody who gets this version of the job, and 10,000 clients may get it at once.
//
// Thread safety: pure function; `out` belongs to the caller.
#pragma once

#include <chrono>
#include <string>

#include "core/snapshot.h"
#include "core/waiter.h"
#include "server/connection.h"

namespace bide {

// 200 with Content-Length of the representation, or 304 (RFC 9110 section 15.4.5: the fields a 200
// would have had, but for those of the content). `waited`: only said if facts.held.
void append_job_head(std::string& out, int status, const Snapshot& snapshot, MediaType type,
                     Outcome outcome, const RequestFacts& facts, std::chrono::milliseconds waited);

}  // namespace bide
