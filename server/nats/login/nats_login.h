// server/nats/login/nats_login.h: Everything that is needed to connect to NATS: the servers, the
// identity, and the current content of the files. It contains secrets, so it is destroyed as soon
// as possible and never printed.
//
// It is read again for every new connection, so that rotated credentials are used.
//
// Thread safety: values. The functions read files and may be called from any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/nats/login/js_api.h"
#include "server/nats/login/nats_credentials.h"
#include "server/nats/login/nats_handles.h"

namespace bide {

struct NatsLogin {
  std::string urls{};  // See nats_url.h. A user without a password is a token.
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
  JsApi js_api{};
  std::size_t contents = 0;  // A hash of the content of the files.

  // A hash of everything here: it changes if a login that is read later differs.
  [[nodiscard]] std::size_t hash() const;
};

// `urls` and `credentials` must not contradict each other (nats_credentials.h). Each of them beats
// the context; an identity in them replaces the whole identity of the context. The string: the
// first file that is missing, unreadable, empty or of the wrong kind, what was expected, and what
// to do, in one line without secrets.
[[nodiscard]] std::variant<NatsLogin, std::string> read_nats_login(
    const std::string& urls, const NatsCredentials& credentials);

// Sets servers, identity, TLS and inbox. The string: as above, for errors that only the TLS library
// finds.
[[nodiscard]] std::optional<std::string> fill_options(natsOptions* options, const NatsLogin& login);

// natsConnection_Connect() with options that are filled so. NATS_PROTOCOL_ERROR: the server ended
// the connection, of which a login with TLS learns when the server refuses its certificate. nats.c
// itself says so up to 3.4, and NATS_CONNECTION_CLOSED in 3.10.
[[nodiscard]] natsStatus connect_to_nats(natsConnection** connection, natsOptions* options,
                                         const NatsLogin& login);

// Reads and fills only to check them. nullopt: no error.
[[nodiscard]] std::optional<std::string> find_login_fault(const std::string& urls,
                                                          const NatsCredentials& credentials);

}  // namespace bide
