// server/http/media_type.h: Which of the two representations a client gets: Accept, RFC 9110
// sections 12.4.2 and 12.5.1.
//
// Thread safety: pure function.
#pragma once

#include <optional>

#include "core/job/snapshot.h"
#include "server/http/message.h"

namespace bide {

// All Accept lines together, between application/json and text/plain. For each of the two the most
// specific range that matches decides; the higher quality wins, JSON where they are equal. nullopt:
// neither is acceptable (406).
//
// No Accept, an empty one, or one that is malformed anywhere: JSON. Section 12.4.1 allows to
// disregard the whole field, and that is the kindest reading: Java's HttpURLConnection sends `*;
// q=.2` by default, and skipping just that member would leave the client with nothing.
//
// A range with parameters matches only a representation that has them. Ours have `charset=utf-8` at
// most. What follows `q` is ignored (extensions are gone since RFC 9110).
[[nodiscard]] std::optional<MediaType> negotiate(const http::Headers& headers);

// For resources that have JSON alone, by the same rules.
[[nodiscard]] bool accepts_json(const http::Headers& headers);

// For resources that are plain text unless a client asks for JSON. True: the client names
// application/json (`*/*` does not), and gives plain text no higher quality.
[[nodiscard]] bool asks_for_json(const http::Headers& headers);

}  // namespace bide
