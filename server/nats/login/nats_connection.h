// server/nats/login/nats_connection.h: A connection to NATS that reconnects for ever once it was
// made.
//
// It has no callbacks, because nats.c calls them on its own threads, possibly after the connection
// is destroyed. Users read the state as often as they need it.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/mutex.h"
#include "core/job/position.h"
#include "server/nats/login/js_api.h"
#include "server/nats/login/nats_credentials.h"
#include "server/nats/login/nats_error.h"
#include "server/nats/login/nats_handles.h"
#include "server/nats/login/nats_login.h"

namespace bide {

class NatsConnection {
 public:
  struct Settings {
    std::string
        urls;  // See nats_url.h. A user without a password is a token. Empty: the context's.
    std::string name = "bide";
    std::chrono::milliseconds timeout{2000};  // For each server.
    bool reconnect = true;
    NatsCredentials credentials{};
  };
  struct Failure {
    natsStatus status;
    std::string text;   // The error, without the URL.
    std::string where;  // The URLs, redacted.
  };
  // Reads the files of the credentials. Blocks until it is connected, or until each server was
  // tried once. NATS_INVALID_ARG: the content of the files cannot be used.
  [[nodiscard]] static std::variant<std::shared_ptr<NatsConnection>, Failure> connect(
      const Settings& settings);
  ~NatsConnection();
  NatsConnection(const NatsConnection&) = delete;
  NatsConnection& operator=(const NatsConnection&) = delete;

  [[nodiscard]] natsConnection* handle() const { return connection_; }
  // Asks js_api().
  [[nodiscard]] jsCtx* jetstream() const { return jetstream_.get(); }
  [[nodiscard]] const JsApi& js_api() const { return js_api_; }
  [[nodiscard]] bool connected() const;
  [[nodiscard]] bool closed() const;
  // How often the connection was lost and made again.
  [[nodiscard]] std::uint64_t reconnects() const;
  // Changes with each reconnect, and differs between all NatsConnections of this process. An answer
  // came over this link if link() is equal before the request and after the answer.
  [[nodiscard]] Link link() const;
  // The URLs, redacted.
  [[nodiscard]] const std::string& where() const { return where_; }
  // Whether the files of the credentials have changed since this connection was made. Then a new
  // connection may succeed though this one cannot reconnect.
  [[nodiscard]] bool outdated() const;
  // The text with which the server last refused something to this account, such as `Permissions
  // Violation for Publish to "$JS.API.STREAM.INFO.KV_x"`. Empty: nothing was refused. The server
  // does not answer a refused request, so the request itself ends with a timeout.
  [[nodiscard]] std::string denial() const;

  // A unique subject for answers, with the account's prefix.
  [[nodiscard]] std::string new_inbox() const;

  // Ends a subscription, and frees it as soon as that is safe. Blocks for a second at most.
  void retire(natsSubscription* subscription);
  // Makes every call that blocks on this connection, on any thread, return with an error.
  void close();

 private:
  void free_retired() REQUIRES(mutex_);
  NatsConnection(Settings settings, const NatsLogin& login, natsConnection* connection,
                 JsContextPtr jetstream);

  const Settings settings_;
  const std::string where_;
  const std::string inbox_prefix_;
  const JsApi js_api_;
  const std::size_t login_hash_;
  const Link first_link_;
  natsConnection* const connection_;
  JsContextPtr jetstream_;
  Mutex mutex_;
  // Ended, but not freed yet. The last ones are freed with the connection.
  std::vector<natsSubscription*> retired_ GUARDED_BY(mutex_);
};

// describe_nats_error() for a failed request to JetStream, such as `STREAM.INFO`. If the request,
// or receiving answers, is denied to the account, the text says so.
[[nodiscard]] std::string describe_request_error(const NatsConnection& connection,
                                                 natsStatus status, std::string_view request);

}  // namespace bide
