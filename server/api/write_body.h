// server/api/write_body.h: What a client writes, read from a request's body: JSON, or the form that
// `curl -d` sends.
//
// curl calls every body of `-d` a form, so a form that begins with `{` is read as JSON.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/job/new_entry.h"
#include "server/api/hold_query.h"
#include "server/http/message.h"

namespace bide {

// The agent of an event whose body names none.
inline constexpr std::string_view kDefaultAgent = "worker";

// JSON: `event`, `agent`, `timestamp` (RFC 3339, with a zone), `data` (an object). A form: the same
// names, or the event alone (`started`); `error`, `message` and `log` become members of `data`;
// `exit=0` is completed and any other `exit=N` failed with the error `exit status N`; `progress=40`
// is progress with `data.percent`. `now`: the time of an event without a timestamp.
//
// The problem: 400, 413, 415, or 422 for an unknown event.
[[nodiscard]] std::variant<NewEntry, BadQuery> parse_event(const http::Request& request,
                                                           const std::string& job_id, WallTime now);

// JSON: `operation` (an object), `subject`, `expected_agents` (names, or a number), `labels` (an
// object of strings). No body is a definition without any of them.
[[nodiscard]] std::variant<NewEntry, BadQuery> parse_definition(const http::Request& request,
                                                                const std::string& job_id,
                                                                WallTime now);

}  // namespace bide
