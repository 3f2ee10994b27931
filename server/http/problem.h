// server/http/problem.h: Errors as documents: RFC 9457 problem details.
//
// Members, in order: `type`, `title`, `status`, `detail`, then `error` (the detail again) and
// `code` (the status again), which clients of osapi read. `type` is `urn:bide:problem:<slug>`: a
// name to compare with, stable for good, not an address to fetch. It tells a job that does not
// exist (kJobNotFound) from a path that does not. Every problem is `no-store`.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string_view>

#include "core/base/json_object.h"
#include "server/http/message.h"

namespace bide {

// `slug`: lower-case words joined by `-`, like `job-not-found`. `detail` is for people, ASCII;
// other bytes in it become `?`, so that a client's own bytes cannot make the document invalid.
// `members`: more of them.
[[nodiscard]] http::Response problem(int status, std::string_view slug, std::string_view title,
                                     std::string_view detail,
                                     std::initializer_list<RawJsonMember> members = {});

// There is no such job, and bide has made sure of it.
inline constexpr std::string_view kJobNotFound = "job-not-found";

// For errors whose status says enough: slug and title are its reason phrase.
[[nodiscard]] http::Response problem(int status, std::string_view detail);

// Temporary trouble: with `Retry-After`.
[[nodiscard]] http::Response passing_problem(int status, std::string_view detail,
                                             std::chrono::seconds after = std::chrono::seconds(1));
// 503: the table may be older than the state that was asked for. `Bide-Outcome: stale` tells it
// from the 503 of a proxy.
[[nodiscard]] http::Response not_fresh(std::string_view detail);

}  // namespace bide
