#include "server/nats/login/nats_connection.h"

#include <atomic>
#include <functional>
#include <new>

#include "server/log/log.h"
#include "server/nats/login/nats_url.h"

namespace bide {
namespace {

// A dead link is noticed after the seventh ping without an answer: 14 s instead of the default of 6
// minutes. When the link works again, TCP uses it only with its next retry, after 12, 25 or 51 s; a
// new connection works at once. The limit is not lower, because nats-server answers no ping while
// it makes a consumer.
constexpr std::int64_t kPingIntervalMs = 2000;
constexpr int kPingsOutMax = 6;
constexpr std::int64_t kReconnectWaitMs = 100;
constexpr std::int64_t kReconnectJitterMs = 400;
constexpr std::int64_t kRetireFlushMs = 1000;
// The default timeout of requests. The library's 5 s are long for requests that may be refused
// without an answer.
constexpr std::int64_t kRequestTimeoutMs = 2000;

std::string denial_of(natsConnection* connection) {
  const char* text = nullptr;
  if (natsConnection_GetLastError(connection, &text) != NATS_NOT_PERMITTED) return {};
  return text == nullptr ? "" : text;
}

// Runs on a thread of nats.c. The default handler would write to stderr. The subscription may be
// freed already, so it is not used.
void on_async_error(natsConnection* connection, natsSubscription* /*subscription*/,
                    natsStatus status, void* /*closure*/) noexcept {
  static LogLimit limit;
  try {
    const std::string denial = denial_of(connection);
    const std::string_view text = status == NATS_NOT_PERMITTED && !denial.empty()
                                      ? std::string_view(denial)
                                      : natsStatus_GetText(status);
    log_warn_limited(limit, "NATS reports an error", {{"error", text}});
  } catch (...) {
    // No memory for a log line. Nothing may be thrown through C.
  }
}

natsStatus fill(natsOptions* options, const NatsConnection::Settings& settings) {
  natsStatus status = NATS_OK;
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
  // Otherwise a request made while disconnected would wait for its full timeout.
  also(natsOptions_SetFailRequestsOnDisconnect, true);
  // A write is sent by the thread that makes it, and not up to 1 ms later by the library's.
  also(natsOptions_SetSendAsap, true);
  also(natsOptions_SetErrorHandler, on_async_error, nullptr);
  return status;
}

// Each has room for the numbers of its reconnects.
Link next_link() {
  static std::atomic<Link> made{0};
  return ++made << 32;
}

}  // namespace

std::string describe_request_error(const NatsConnection& connection, natsStatus status,
                                   std::string_view request) {
  const std::string denial = status == NATS_TIMEOUT ? connection.denial() : "";
  // The last denial may be an older one, of another request.
  const bool of_this = denial.find(request) != std::string::npos || denies_answers(denial);
  if (!of_this) return describe_nats_error(status);
  return "the account at NATS may not do this: " + denial;
}

std::variant<std::shared_ptr<NatsConnection>, NatsConnection::Failure> NatsConnection::connect(
    const Settings& settings) {
  auto read = read_nats_login(settings.urls, settings.credentials);
  if (auto* error = std::get_if<std::string>(&read)) {
    return Failure{NATS_INVALID_ARG, std::move(*error), redacted(settings.urls)};
  }
  const NatsLogin& login = std::get<NatsLogin>(read);
  const auto failure = [&](natsStatus status) {
    return Failure{status, describe_connect_error(status), redacted(login.urls)};
  };
  natsOptions* raw_options = nullptr;
  natsStatus status = natsOptions_Create(&raw_options);
  const NatsOptionsPtr options(raw_options);
  if (status == NATS_OK) status = fill(options.get(), settings);
  if (status != NATS_OK) return failure(status);
  if (auto error = fill_options(options.get(), login)) {
    return Failure{NATS_INVALID_ARG, *std::move(error), redacted(login.urls)};
  }
  natsConnection* connection = nullptr;
  status = connect_to_nats(&connection, options.get(), login);
  if (status != NATS_OK) return failure(status);
  jsCtx* jetstream = nullptr;
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.Wait = kRequestTimeoutMs;
  js_options.Prefix = login.js_api.prefix().c_str();
  status = natsConnection_JetStream(&jetstream, connection, &js_options);
  if (status != NATS_OK) {
    Failure told = failure(status);  // Before destroying replaces the library's last error.
    natsConnection_Destroy(connection);
    return told;
  }
  return std::shared_ptr<NatsConnection>(
      new NatsConnection(settings, login, connection, JsContextPtr(jetstream)));
}

NatsConnection::NatsConnection(Settings settings, const NatsLogin& login,
                               natsConnection* connection, JsContextPtr jetstream)
    : settings_(std::move(settings)),
      where_(redacted(login.urls)),
      inbox_prefix_(login.inbox_prefix),
      js_api_(login.js_api),
      login_hash_(login.hash()),
      first_link_(next_link()),
      connection_(connection),
      jetstream_(std::move(jetstream)) {}

NatsConnection::~NatsConnection() {
  // The library's reader thread ends here. Only then nothing uses these subscriptions.
  natsConnection_Close(connection_);
  {
    MutexLock lock(mutex_);
    free_retired();
  }
  jetstream_.reset();
  natsConnection_Destroy(connection_);
}

bool NatsConnection::connected() const {
  return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED;
}

bool NatsConnection::closed() const { return natsConnection_IsClosed(connection_); }

// The watcher asks before each entry that it applies.
std::uint64_t NatsConnection::reconnects() const {
  static thread_local const NatsStatisticsPtr statistics = [] {
    natsStatistics* raw = nullptr;
    if (natsStatistics_Create(&raw) != NATS_OK) throw std::bad_alloc();
    return NatsStatisticsPtr(raw);
  }();
  std::uint64_t reconnects = 0;
  if (natsConnection_GetStats(connection_, statistics.get()) == NATS_OK) {
    natsStatistics_GetCounts(statistics.get(), nullptr, nullptr, nullptr, nullptr, &reconnects);
  }
  return reconnects;
}

Link NatsConnection::link() const { return first_link_ + reconnects(); }

bool NatsConnection::outdated() const {
  const auto now = read_nats_login(settings_.urls, settings_.credentials);
  const auto* const login = std::get_if<NatsLogin>(&now);
  return login != nullptr && login->hash() != login_hash_;
}

std::string NatsConnection::denial() const { return denial_of(connection_); }

std::string NatsConnection::new_inbox() const {
  natsInbox* raw = nullptr;
  if (natsInbox_Create(&raw) != NATS_OK) throw std::bad_alloc();
  // The library applies a custom prefix only to inboxes that it makes for itself.
  std::string inbox = raw;
  natsInbox_Destroy(raw);
  if (inbox_prefix_.empty()) return inbox;
  return inbox_prefix_ + inbox.substr(inbox.find('.'));
}

// Up to nats.c 3.6.0, its reader may still hold a message for a subscription that is being freed,
// and crash. The answer to a ping that was sent after the unsubscribe proves that it holds none;
// but a ping during a reconnect counts as answered, too. A subscription that cannot be freed waits
// for the next call.
void NatsConnection::retire(natsSubscription* subscription) {
  natsSubscription_Unsubscribe(subscription);
  MutexLock lock(mutex_);
  try {
    retired_.push_back(subscription);
  } catch (const std::bad_alloc&) {
    return;  // Never freed: destroying it here could crash, and this is called by destructors.
  }
  const std::uint64_t before = reconnects();
  if (!connected() || natsConnection_FlushTimeout(connection_, kRetireFlushMs) != NATS_OK) return;
  if (!connected() || reconnects() != before) return;
  free_retired();
}

void NatsConnection::free_retired() {
  for (natsSubscription* subscription : retired_) natsSubscription_Destroy(subscription);
  retired_.clear();
}

void NatsConnection::close() { natsConnection_Close(connection_); }

}  // namespace bide
