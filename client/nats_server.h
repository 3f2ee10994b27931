// client/nats_server.h: Which NATS server to write to.
//
// Thread safety: pure functions; find_nats_server() reads the environment and one file.
#pragma once

#include <string>
#include <variant>

#include "client/arguments.h"

namespace bide {

// `flag` (empty: not given) > BIDE_NATS > the file `nats-url` that `bide serve` leaves in
// BIDE_DATA_DIR or the standard state folder. A list as in server/nats/login/nats_url.h. The
// error says what was tried. The URL may carry a
// secret.
[[nodiscard]] std::variant<std::string, Misuse> find_nats_server(const std::string& flag);

}  // namespace bide
