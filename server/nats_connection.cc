#include "server/nats_connection.h"

#include "server/log.h"
#include "server/nats_url.h"

namespace bide {
namespace {

// A dead link shows after the third ping without an answer: 15 s instead of the default's 6
// minutes.
constexpr std::int64_t kPingIntervalMs = 5000;
constexpr int kPingsOutMax = 2;
constexpr std::int64_t kReconnectWaitMs = 100;
constexpr std::int64_t kReconnectJitterMs = 400;
constexpr std::int64_t kRetireFlushMs = 1000;

// On a thread of nats.c; the default handler would write to stderr itself. The subscription may be
// gone already, so it is not looked at.
void on_async_error(natsConnection* /*connection*/, natsSubscription* /*subscription*/,
                    natsStatus status, void* /*closure*/) noexcept {
  static LogLimit limit;
  try {
    log_warn_limited(limit, "NATS reports an error", {{"error", natsStatus_GetText(status)}});
  } catch (...) {
    // No memory for a log line; and the caller is C.
  }
}

natsStatus set_servers(natsOptions* options, const std::string& list) {
  const std::vector<std::string> urls = split_nats_urls(list);
  std::vector<const char*> pointers;
  bool tls = false;
  for (const std::string& url : urls) {
    pointers.push_back(url.c_str());
    tls = tls || url.starts_with("tls://");
  }
  natsStatus status =
      natsOptions_SetServers(options, pointers.data(), static_cast<int>(pointers.size()));
  // nats.c ignores the scheme: without this, tls:// would fall back to plain text.
  if (status == NATS_OK && tls) status = natsOptions_SetSecure(options, true);
  return status;
}

natsStatus fill(natsOptions* options, const NatsConnection::Settings& settings) {
  natsStatus status = set_servers(options, settings.urls);
  const auto also = [&](auto set, auto... values) {
    if (status == NATS_OK) status = set(options, values...);
  };
  also(natsOptions_SetName, settings.name.c_str());
  also(natsOptions_SetTimeout, settings.timeout.count());
  also(natsOptions_SetPingInterval, kPingIntervalMs);
  also(natsOptions_SetMaxPingsOut, kPingsOutMax);
  also(natsOptions_SetAllowReconnect, settings.reconnect);
  also(natsOptions_SetMaxReconnect, -1);
  also(natsOptions_SetReconnectWait, kReconnectWaitMs);
  also(natsOptions_SetReconnectJitter, kReconnectJitterMs, kReconnectJitterMs);
  // A request made while disconnected would wait for its full timeout.
  also(natsOptions_SetFailRequestsOnDisconnect, true);
  also(natsOptions_SetErrorHandler, on_async_error, nullptr);
  return status;
}

}  // namespace

std::string describe_nats_error(natsStatus status) {
  std::string text = natsStatus_GetText(status);
  natsStatus last = NATS_OK;
  const char* const last_error = nats_GetLastError(&last);
  if (last != status || last_error == nullptr) return text;
  // It begins with the place in the library's source: `(conn.c:2088): No server available…`.
  std::string_view detail = last_error;
  const std::size_t place = detail.starts_with('(') ? detail.find("): ") : std::string_view::npos;
  if (place != std::string_view::npos) detail.remove_prefix(place + 3);
  if (!detail.empty() && detail != text) text.append(": ").append(detail);
  return text;
}

std::variant<std::shared_ptr<NatsConnection>, NatsConnection::Failure> NatsConnection::connect(
    const Settings& settings) {
  const auto failure = [](natsStatus status) {
    return Failure{status, describe_nats_error(status)};
  };
  natsOptions* raw_options = nullptr;
  natsStatus status = natsOptions_Create(&raw_options);
  const NatsOptionsPtr options(raw_options);
  if (status == NATS_OK) status = fill(options.get(), settings);
  natsConnection* connection = nullptr;
  if (status == NATS_OK) status = natsConnection_Connect(&connection, options.get());
  if (status != NATS_OK) return failure(status);
  jsCtx* jetstream = nullptr;
  status = natsConnection_JetStream(&jetstream, connection, nullptr);
  if (status != NATS_OK) {
    natsConnection_Destroy(connection);
    return failure(status);
  }
  return std::shared_ptr<NatsConnection>(new NatsConnection(connection, JsContextPtr(jetstream)));
}

NatsConnection::~NatsConnection() {
  // The library's reader thread ends in here; only then nothing can touch these subscriptions.
  natsConnection_Close(connection_);
  for (natsSubscription* subscription : retired_) natsSubscription_Destroy(subscription);
  jetstream_.reset();
  natsConnection_Destroy(connection_);
}

bool NatsConnection::connected() const {
  return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED;
}

bool NatsConnection::closed() const { return natsConnection_IsClosed(connection_); }

std::uint64_t NatsConnection::reconnects() const {
  natsStatistics* statistics = nullptr;
  if (natsStatistics_Create(&statistics) != NATS_OK) return 0;
  std::uint64_t reconnects = 0;
  if (natsConnection_GetStats(connection_, statistics) == NATS_OK) {
    natsStatistics_GetCounts(statistics, nullptr, nullptr, nullptr, nullptr, &reconnects);
  }
  natsStatistics_Destroy(statistics);
  return reconnects;
}

void NatsConnection::retire(natsSubscription* subscription) {
  natsSubscription_Unsubscribe(subscription);
  // Up to nats.c 3.6.0 its reader may still hold a message for a subscription that is being freed,
  // and crash. The answer to a ping sent after the unsubscribe proves that it does not.
  if (natsConnection_FlushTimeout(connection_, kRetireFlushMs) == NATS_OK) {
    natsSubscription_Destroy(subscription);
    return;
  }
  MutexLock lock(mutex_);
  retired_.push_back(subscription);
}

void NatsConnection::close() { natsConnection_Close(connection_); }

}  // namespace bide
