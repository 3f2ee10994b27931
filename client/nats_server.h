// client/nats_server.h: Which NATS server to write to.
//
// Thread safety: pure functions; find_nats_server() reads the environment and one file.
#pragma once

#include <string>
#include <variant>

#include "client/arguments.h"

namespace bide {

// For `bide emit` without --nats: what the file `nats-url` says that `bide serve` leaves in
// BIDE_DATA_DIR or the standard state folder. The error says what was tried. The URL may carry a
// secret.
[[nodiscard]] std::variant<std::string, Misuse> find_nats_server();

}  // namespace bide
