// server/nats/login/nats_login.h: All that a connection to NATS needs to be made: where, as whom,
// and what the files say now. Secrets are in here: it lives as short as it can, and is never
// printed.
//
// Read anew for every connection that is made, so that what is rotated is found.
//
// Thread safety: values; the functions read files and may be called from any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/nats/login/nats_credentials.h"
#include "server/nats/login/nats_handles.h"

namespace bide {

struct NatsLogin {
  std::string urls{};  // See nats_url.h. A user without a password in there is a token.
  std::string user{};
  std::string password{};
  std::string token{};
  std::string public_nkey{};  // With nkey_file.
  std::filesystem::path nkey_file{};
  std::filesystem::path creds_file{};
  std::filesystem::path ca_file{};
  std::filesystem::path cert_file{};
  std::filesystem::path key_file{};
  std::string inbox_prefix{};
  std::size_t contents = 0;  // A digest of what is in those files.

  // Of all this: a login that was read later has another if anything in it is new.
  [[nodiscard]] std::size_t digest() const;
};

// `urls` and `credentials` are without contradiction (nats_credentials.h); each beats what a
// context says: any way to say who it is all of the context's. The string: the first file that is
// missing, not readable, empty or of the wrong kind, what was expected, and what to do; one line,
// no secret.
[[nodiscard]] std::variant<NatsLogin, std::string> read_nats_login(
    const std::string& urls, const NatsCredentials& credentials);

// Servers, identity, TLS and inbox. The string: as above, for what only the TLS library can tell.
[[nodiscard]] std::optional<std::string> fill_options(natsOptions* options, const NatsLogin& login);

// Both, for nothing but to know. nullopt: one could connect with that.
[[nodiscard]] std::optional<std::string> find_login_fault(const std::string& urls,
                                                          const NatsCredentials& credentials);

}  // namespace bide
