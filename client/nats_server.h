// client/nats_server.h: Finds the NATS server of a `bide serve` on this machine.
//
// Thread safety: pure functions; find_nats_server() reads the environment and one file.
#pragma once

#include <string>
#include <variant>

#include "client/arguments.h"

namespace bide {

// For `bide emit` without --nats: the URL in the file `nats-url`, which `bide serve` leaves in
// BIDE_DATA_DIR or the standard state folder. The URL may contain a secret. The error says where
// the file was searched.
[[nodiscard]] std::variant<std::string, Misuse> find_nats_server();

}  // namespace bide
