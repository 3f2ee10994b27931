// server/nats_connection.h: One connection to NATS that, once made, reconnects for ever.
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
#include <variant>
#include <vector>

#include "core/mutex.h"
#include "server/nats_handles.h"

namespace bide {

class NatsConnection {
 public:
  struct Settings {
    std::string urls;  // See nats_url.h. A user without a password is a token.
    std::string name = "bide";
    std::chrono::milliseconds timeout{2000};  // For each server tried.
    bool reconnect = true;
  };
  struct Failure {
    natsStatus status;
    std::string text;  // What went wrong; without the URL.
  };
  // Blocks until connected, or until every server has been tried once.
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

  // Ends a subscription and frees it, as soon as it is safe to. Blocks for a second at most.
  void retire(natsSubscription* subscription);
  // Everything that blocks in this connection, on any thread, returns with an error now.
  void close();

 private:
  NatsConnection(natsConnection* connection, JsContextPtr jetstream)
      : connection_(connection), jetstream_(std::move(jetstream)) {}

  natsConnection* const connection_;
  JsContextPtr jetstream_;
  Mutex mutex_;
  std::vector<natsSubscription*> retired_ GUARDED_BY(mutex_);  // Freed with the connection.
};

// The library's text for `status`, and where it has one its own account of the last error.
[[nodiscard]] std::string describe_nats_error(natsStatus status);

}  // namespace bide
