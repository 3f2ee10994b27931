// server/nats/login/nats_connection.h: One connection to NATS that, once made, reconnects for ever.
//
// There are no callbacks in here: nats.c calls them on threads of its own, possibly after the
// connection is destroyed. Whoever uses the connection asks for its state as often as it needs to.
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
#include "server/nats/login/nats_credentials.h"
#include "server/nats/login/nats_error.h"
#include "server/nats/login/nats_handles.h"
#include "server/nats/login/nats_login.h"

namespace bide {

class NatsConnection {
 public:
  struct Settings {
    std::string urls;  // See nats_url.h. A user without a password is a token. Empty: a context's.
    std::string name = "bide";
    std::chrono::milliseconds timeout{2000};  // For each server tried.
    bool reconnect = true;
    NatsCredentials credentials{};
  };
  struct Failure {
    natsStatus status;
    std::string text;   // What went wrong; without the URL.
    std::string where;  // The URLs, redacted.
  };
  // Reads the credentials' files, and blocks until connected, or until every server has been tried
  // once. NATS_INVALID_ARG: what the files say cannot be used.
  [[nodiscard]] static std::variant<std::shared_ptr<NatsConnection>, Failure> connect(
      const Settings& settings);
  ~NatsConnection();
  NatsConnection(const NatsConnection&) = delete;
  NatsConnection& operator=(const NatsConnection&) = delete;

  [[nodiscard]] natsConnection* handle() const { return connection_; }
  [[nodiscard]] jsCtx* jetstream() const { return jetstream_.get(); }
  [[nodiscard]] bool connected() const;
  [[nodiscard]] bool closed() const;
  // How often it was lost and made again.
  [[nodiscard]] std::uint64_t reconnects() const;
  // Another one after each reconnect, and for each NatsConnection of this process. To know that an
  // answer came over a link, compare before the request and after the answer.
  [[nodiscard]] Link link() const;
  // The URLs, redacted.
  [[nodiscard]] const std::string& where() const { return where_; }
  // The credentials' files, read now, say something else than when this connection was made, so
  // that another might succeed where this one does not reconnect.
  [[nodiscard]] bool outdated() const;
  // What the server said when it last refused something to this account, such as `Permissions
  // Violation for Publish to "$JS.API.STREAM.INFO.KV_x"`; empty: nothing. It does not answer what
  // it refuses, so to whoever asked this is a timeout.
  [[nodiscard]] std::string denial() const;

  // A subject for answers that nobody else has, under the account's prefix.
  [[nodiscard]] std::string new_inbox() const;

  // Ends a subscription and frees it, as soon as it is safe to. Blocks for a second at most.
  void retire(natsSubscription* subscription);
  // Everything that blocks in this connection, on any thread, returns with an error now.
  void close();

 private:
  void free_retired() REQUIRES(mutex_);
  NatsConnection(Settings settings, const NatsLogin& login, natsConnection* connection,
                 JsContextPtr jetstream);

  const Settings settings_;
  const std::string where_;
  const std::string inbox_prefix_;
  const std::size_t login_digest_;
  const Link first_link_;
  natsConnection* const connection_;
  JsContextPtr jetstream_;
  Mutex mutex_;
  // Not freed yet; the latest with the connection.
  std::vector<natsSubscription*> retired_ GUARDED_BY(mutex_);
};

// describe_nats_error() of a request to JetStream that failed, `STREAM.INFO` say: where it was not
// answered because it, or receiving answers, is denied to the account, that is told.
[[nodiscard]] std::string describe_request_error(const NatsConnection& connection,
                                                 natsStatus status, std::string_view request);

}  // namespace bide
