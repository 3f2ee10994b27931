// client/nats_access.h: The NATS server of a command, and the credentials for it.
//
// Thread safety: pure functions, except that find_nats_access() reads the environment and files.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "client/arguments.h"
#include "client/exit_code.h"
#include "server/nats/login/nats_login.h"

namespace bide {

// `--nats`, `--bucket` and the settings of server/nats/login/nats_credentials.h. Empty: this
// program cannot write over NATS (client/without_nats.cc).
[[nodiscard]] std::span<const Setting> nats_flags();
// Where commands write, and how they choose: for the notes of their help.
[[nodiscard]] std::string_view about_writing();

struct NoNatsAccess {
  ExitCode code;        // kUsage, or kBideFailed if a file or a context is missing.
  std::string message;  // One line without a secret.
};

// Each setting comes from its flag (`--nats-creds`), else from its variable (BIDE_NATS_CREDS), else
// from the context. If none of them names a server, the URL that `bide serve` has left is used.
[[nodiscard]] std::variant<NatsLogin, NoNatsAccess> find_nats_access(const Arguments& arguments);

// For `bide emit` without --nats: the URL in the file `nats-url`, which `bide serve` leaves in
// BIDE_DATA_DIR or the standard state folder. The URL may contain a secret. The error says where
// the file was searched.
[[nodiscard]] std::variant<std::string, Misuse> find_nats_server();

}  // namespace bide
