#include "server/serve.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <variant>

#include "core/base/host_port.h"
#include "core/base/printable.h"
#include "core/base/start_error.h"
#include "core/base/stop_signal.h"
#include "server/api/resources.h"
#include "server/api/router.h"
#include "server/files/state_dir.h"
#include "server/http1/http1.h"
#include "server/log/log.h"
#include "server/nats/embedded/embedded_nats.h"
#include "server/nats/job_writer.h"
#include "server/nats/login/nats_login.h"
#include "server/nats/login/nats_url.h"
#include "server/nats/stream_tail.h"
#include "server/nats/watcher.h"
#include "server/net/http_server.h"
#include "server/net/tls_context.h"
#include "server/reloads.h"
#include "server/serve_parts.h"
#include "server/settings/options.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDrainPatience = 5s;

// The signals that are blocked for all threads and waited for by one.
sigset_t awaited_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, number);
  return signals;
}

void use_all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Memory holds tokens and keys: other processes of the same user may not read it, and no core dump
// keeps it.
void hide_memory() {
#ifndef BIDE_SANITIZED
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

void log_notes(const Authority& authority) {
  for (const std::string& note : authority.notes()) log_warn(note);
}

// The parts of a running server, in the order in which they need each other.
class Server {
 public:
  explicit Server(const ServeOptions& options)
      : options_(options),
        access_logger_(system_clock(), options.access_log),
        authority_(make_authority(options.auth)),
        admission_(system_clock(), authority_.get(), options.auth.cookie),
        cross_origin_(options.cors_origins),
        served_hosts_(make_served_hosts(options)),
        tls_(make_tls(options)),
        front_(system_clock(), front_limits(options), http_metrics_, access_logger_),
        table_(system_clock(), table_options(options), &front_.executor()),
        freshness_(contact_, options.max_stale, table_.catch_up()),
        hold_time_({options.max_wait, options.wait_jitter}),
        writer_(options.bucket, system_clock(), table_.writes(), metrics_),
        resources_(hold_time_, freshness_, admission_, table_, writer_, options.base_path,
                   http_metrics_),
        health_(system_clock(), options.max_stale, table_, contact_, metrics_, http_metrics_,
                [this] {
                  return HealthResource::Numbers{front_.slots(), front_.draining(),
                                                 options_.max_parked, front_.unread().bytes()};
                }),
        router_(options.base_path, options.read_only, resources_.routes(health_), admission_,
                cross_origin_, http_metrics_),
        http1_(front_, table_,
               [this](const httplib::Request& request, Exchange& exchange) {
                 router_.handle(request, exchange);
               }),
        http_(front_) {}

  // Throws StartError.
  void start() {
    const bool embedded = options_.nats_url.empty() && options_.nats_credentials.context.empty();
    for (const std::string& warning : options_.warnings) log_warn(warning);
    check_login(embedded);
    if (authority_ != nullptr) log_notes(*authority_);
    if (tls_ != nullptr) front_.use_tls(tls_.get());
    http1_.use_hosts(served_hosts_.get());
    front_.trust(TrustedProxies(options_.trusted_proxies));
    port_ = http_.bind(options_.listen_host, options_.listen_port);
    front_.start(http1_, options_.threads != 0 ? options_.threads : cores());
    std::string urls = options_.nats_url;
    if (embedded) {
      nats_ = std::make_unique<EmbeddedNats>(
          EmbeddedNats::Settings{.data_dir = options_.data_dir, .contact = &contact_}, metrics_);
      nats_->start();
      urls = nats_->url();
    }
    accept_thread_ = std::thread([this] { accept(); });
    // httplib's stop() does nothing before its loop runs, and a SIGTERM may be waiting already.
    while (!http_.is_running()) std::this_thread::yield();
    watcher_ = std::make_unique<Watcher>(
        Watcher::Settings{urls,
                          Follower::Settings{.bucket = options_.bucket,
                                             .create_bucket = embedded || options_.create_bucket,
                                             .bucket_replicas = options_.bucket_replicas},
                          options_.nats_credentials},
        table_, contact_, metrics_);
    watcher_->start();
    tail_ = std::make_unique<StreamTail>(options_.bucket, *watcher_, contact_, metrics_);
    table_.catch_up().start(*tail_);
    writer_.start(*watcher_);
    announce(urls);
  }

  // What is to be read again while it runs.
  void add_to(Reloads& reloads) {
    if (authority_ != nullptr) {
      reloads.add("tokens", authority_->files(), [this] {
        std::optional<std::string> trouble = authority_->reload();
        if (trouble) return trouble;
        admission_.on_reloaded();
        log_notes(*authority_);
        return trouble;
      });
    }
    if (tls_ != nullptr) {
      reloads.add("TLS certificate", tls_->files(), [this] { return tls_->reload(); });
    }
  }

  void stop() {
    log_info("draining", {{"parked", std::uint64_t{table_.parked()}}});
    stopping_.request();
    http_.stop();
    accept_thread_.join();
    front_.drain(kDrainPatience);
    watcher_->stop();
    writer_.stop();
    table_.close();
    front_.stop();
    if (nats_ != nullptr) nats_->stop();
    log_info("stopped");
  }

 private:
  void check_login(bool embedded) const {
    if (embedded) return;
    const auto fault = find_login_fault(options_.nats_url, options_.nats_credentials);
    if (fault) throw StartError(*fault);
  }

  // httplib gives up accepting on any error but a lack of descriptors. bide does not.
  void accept() {
    LogLimit failed;
    LogLimit refused;
    while (!serve_once() && !stopping_.requested()) {
      log_warn_limited(failed, "accepting failed; listening anew");
      for (bool bound = false; !bound && !stopping_.wait_for(100ms);) {
        try {
          bound = http_.bind(options_.listen_host, port_) == port_;
        } catch (const std::exception& error) {  // StartError, or out of memory.
          log_warn_limited(refused, error.what());
        }
      }
    }
  }

  bool serve_once() {
    try {
      return http_.serve();
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void announce(const std::string& urls) const {
    const std::string url = (tls_ != nullptr ? "https://" : "http://") +
                            host_in_url(options_.listen_host) + ":" + std::to_string(port_) +
                            options_.base_path;
    const std::string nats =
        urls.empty() ? "context " + options_.nats_credentials.context : redacted(urls);
    const std::string file = nats_ == nullptr ? "" : nats_url_file(options_.data_dir).string();
    log_info("listening", {{"url", std::string_view(url)},
                           {"nats", std::string_view(nats)},
                           {"nats_url_file", std::string_view(file)}});
  }

  const ServeOptions options_;
  Metrics metrics_;
  HttpMetrics http_metrics_;
  Contact contact_;
  AccessLogger access_logger_;
  const std::unique_ptr<Authority> authority_;  // Null: everybody may read.
  Admission admission_;
  const CrossOrigin cross_origin_;
  const std::unique_ptr<ServedHosts> served_hosts_;  // Null: any.
  std::unique_ptr<TlsContext> tls_;
  Front front_;
  JobTable table_;
  Freshness freshness_;
  HoldTime hold_time_;
  JobWriter writer_;
  Resources resources_;
  HealthResource health_;
  Router router_;
  Http1 http1_;
  HttpServer http_;
  std::uint16_t port_ = 0;
  StopSignal stopping_;
  std::unique_ptr<EmbeddedNats> nats_;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<StreamTail> tail_;
  std::thread accept_thread_;
};

void wait_for_end(const sigset_t& signals, Reloads& reloads) {
  constexpr timespec kTick{1, 0};
  for (;;) {
    const int number = ::sigtimedwait(&signals, nullptr, &kTick);
    if (number == SIGTERM || number == SIGINT) return;
    try {
      number == SIGHUP ? reloads.reload_all() : reloads.reload_changed();
    } catch (const std::bad_alloc&) {
      static LogLimit limit;
      log_warn_limited(limit, "out of memory; reading anew failed, the old ones stay in force");
    }
  }
}

}  // namespace

int run_serve(std::span<const std::string> args) {
  std::variant<ServeOptions, UsageError> parsed = parse_serve_options(args, process_environment());
  if (const auto* const error = std::get_if<UsageError>(&parsed)) {
    if (error->exit_code == 0) {
      std::fputs(error->message.c_str(), stdout);
    } else {
      std::fprintf(stderr, "bide serve: %s\n", error->message.c_str());
    }
    return error->exit_code;
  }
  const sigset_t signals = awaited_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  use_all_descriptors();
  if (!std::get<ServeOptions>(parsed).core_dumps) hide_memory();
  try {
    Server server(std::get<ServeOptions>(parsed));
    Reloads reloads;
    server.add_to(reloads);
    server.start();
    wait_for_end(signals, reloads);
    server.stop();
  } catch (const StartError& error) {
    std::fprintf(stderr, "bide serve: %s\n", printable(error.what(), "?").c_str());
    return 1;
  }
  flush_log(1s);
  return 0;
}

}  // namespace bide
