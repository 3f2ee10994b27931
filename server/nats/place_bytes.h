// server/nats/place_bytes.h: A place in the stream as bytes, for a checkpoint.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/nats/place.h"

namespace bide {

[[nodiscard]] std::string bytes_of(const Place& place);
// nullopt: they are not what bytes_of() returns.
[[nodiscard]] std::optional<Place> place_of(std::string_view bytes);

}  // namespace bide
