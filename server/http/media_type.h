// server/http/media_type.h: Which of the two representations a client gets: Accept, RFC 9110
// sections 12.4.2 and 12.5.1.
//
// Thread safety: pure function.
#pragma once

#include <httplib.h>

#include <optional>

#include "core/job/snapshot.h"

namespace bide {

// All Accept lines together, between application/json and text/plain. For each of the two the most
// specific range that matches decides; the higher quality wins, JSON where they are equal. nullopt:
// neither is acceptable (406).
//
// No Accept, an empty one, or one that is malformed anywhere: JSON. Disregarding the whole field is
// section 12.4.1's leave, and the kindest reading: Java's HttpURLConnection sends `*; q=.2` by
// default, and skipping just that member would leave the client with nothing.
//
// A range with parameters matches only a representation that has them, and of ours it is
// `charset=utf-8` at most. What follows `q` is ignored (extensions are gone since RFC 9110).
[[nodiscard]] std::optional<MediaType> negotiate(const httplib::Headers& headers);

// For what has JSON alone, by the same rules.
[[nodiscard]] bool accepts_json(const httplib::Headers& headers);

// For what is plain text unless a client asks for JSON: it names application/json (`*/*` does not),
// and likes plain text no better.
[[nodiscard]] bool asks_for_json(const httplib::Headers& headers);

}  // namespace bide
