// client/nats_access.h: Which NATS to write to, and as whom.
//
// Thread safety: reads the environment and files.
#pragma once

#include <span>
#include <string>
#include <variant>

#include "client/arguments.h"
#include "client/exit_code.h"
#include "server/nats/login/nats_login.h"

namespace bide {

// `--nats` and the settings of server/nats/login/nats_credentials.h.
[[nodiscard]] std::span<const Setting> nats_flags();

struct NoNatsAccess {
  ExitCode code;        // kUsage, or kBideFailed for what is not there.
  std::string message;  // One line without a secret.
};

// Each setting: flag > environment (`--nats-creds`, BIDE_NATS_CREDS) > context. Without a server in
// any of them the one that `bide serve` left its URL for, see client/nats_server.h.
[[nodiscard]] std::variant<NatsLogin, NoNatsAccess> find_nats_access(const Arguments& arguments);

}  // namespace bide
