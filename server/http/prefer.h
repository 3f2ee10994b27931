// server/http/prefer.h: What a client would like: to be held (`Prefer: wait=30`, RFC 7240 section
// 4.3), or an answer without a body (`return=minimal`, section 4.2).
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <optional>

#include "server/http/message.h"

namespace bide {

// The first well-formed `wait` among all Prefer lines, as section 2 asks; in whole seconds, at most
// a year (longer ones are a year: the caller clamps to its own maximum anyhow). Parameters and
// other preferences are skipped. nullopt: none. A preference is never an error: a malformed one is
// ignored.
[[nodiscard]] std::optional<std::chrono::seconds> preferred_wait(const http::Headers& headers);

// Whether the first `return` among all Prefer lines is `minimal`.
[[nodiscard]] bool prefers_minimal(const http::Headers& headers);

}  // namespace bide
