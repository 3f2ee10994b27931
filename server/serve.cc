#include "server/serve.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <variant>

#include "core/base/printable.h"
#include "core/base/start_error.h"
#include "server/api/protocols.h"
#include "server/api/resources.h"
#include "server/api/router.h"
#include "server/files/state_dir.h"
#include "server/log/log.h"
#include "server/nats/checkpoints.h"
#include "server/nats/embedded/embedded_nats.h"
#include "server/nats/job_writer.h"
#include "server/nats/login/nats_login.h"
#include "server/nats/login/nats_url.h"
#include "server/nats/stream_tail.h"
#include "server/nats/watcher.h"
#include "server/net/acceptor.h"
#include "server/net/tls_context.h"
#include "server/reloads.h"
#include "server/serve_parts.h"
#include "server/service_manager.h"
#include "server/settings/options.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

using std::chrono::milliseconds;

constexpr milliseconds kDrainPatience = 5s;
constexpr std::chrono::duration<double> kPacedMax = 10s;
// With 1,000,000 jobs it takes 2 s. The units and the kubelet kill after 30 s.
constexpr milliseconds kSnapshotPatience = 10s;

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
        writer_(options.bucket, system_clock(), table_.writes(), metrics_, &front_.bulk_executor()),
        resources_(hold_time_, freshness_, admission_, table_, writer_, options.base_path,
                   http_metrics_),
        health_(system_clock(), options.max_stale, table_, contact_, metrics_, http_metrics_,
                [this] {
                  return HealthResource::Numbers{front_.slots(), front_.leaving(),
                                                 options_.max_parked, front_.unread().bytes()};
                }),
        router_(options.base_path, options.read_only, resources_.routes(health_), admission_,
                cross_origin_, http_metrics_),
        protocols_(front_, table_,
                   [this](const http::Request& request, Exchange& exchange) {
                     router_.handle(request, exchange);
                   }),
        acceptor_(front_) {}

  // Throws StartError.
  void start() {
    const bool embedded = options_.nats_url.empty() && options_.nats_credentials.context.empty();
    for (const std::string& warning : options_.warnings) log_warn(warning);
    check_login(embedded);
    if (authority_ != nullptr) log_notes(*authority_);
    if (tls_ != nullptr) front_.use_tls(tls_.get());
    protocols_.use_hosts(served_hosts_.get());
    front_.trust(TrustedProxies(options_.trusted_proxies));
    for (const ListenAddress& address : options_.listen) {
      listens_.push_back(acceptor_.listen(address, static_cast<mode_t>(options_.listen_mode)));
    }
    front_.start(protocols_.all(), options_.threads != 0 ? options_.threads : cores());
    std::string urls = options_.nats_url;
    start_checkpoints();  // While nats-server starts and reads its own files.
    if (embedded) {
      nats_ = std::make_unique<EmbeddedNats>(
          EmbeddedNats::Settings{.data_dir = options_.data_dir,
                                 // Without a quorum nothing is heard, and a restart would not help.
                                 .contact = options_.cluster_peers.empty() ? &contact_ : nullptr,
                                 .cluster = {options_.cluster_listen, options_.cluster_peers,
                                             options_.cluster_secret_file}},
          metrics_);
      nats_->start();
      urls = nats_->url();
    }
    acceptor_.start();
    watcher_ = std::make_unique<Watcher>(
        Watcher::Settings{urls,
                          Follower::Settings{.bucket = options_.bucket,
                                             .create_bucket = embedded || options_.create_bucket,
                                             .bucket_replicas = replicas_of(options_),
                                             .clustered = !options_.cluster_peers.empty(),
                                             .checkpoints = checkpoints_.get()},
                          options_.nats_credentials},
        table_, contact_, metrics_);
    watcher_->start();
    tail_ = std::make_unique<StreamTail>(options_.bucket, *watcher_, contact_, metrics_);
    table_.catch_up().start(*tail_);
    writer_.start(*watcher_);
    announce(urls);
  }

  // For people, one line.
  [[nodiscard]] std::string status() const {
    const std::string parked = std::to_string(table_.parked()) + " requests held";
    if (front_.leaving()) return "draining; " + parked;
    if (!contact_.ready()) {
      const std::string obstacle = contact_.obstacle();
      return obstacle.empty() ? "reading the bucket " + options_.bucket : obstacle;
    }
    return freshness_.stale(system_clock().now()) ? "out of touch with NATS; " + parked : parked;
  }
  [[nodiscard]] Executor& executor() { return front_.executor(); }
  // From now on load balancers and clients are told to go elsewhere; all is served.
  void begin_leaving() { front_.begin_leaving(); }

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

  // Stops accepting, and begins to answer held requests. Returns when all of them will have been
  // answered.
  [[nodiscard]] TimePoint begin_drain() {
    acceptor_.stop();
    const auto parked = static_cast<double>(table_.parked());
    log_info("draining", {{"parked", std::uint64_t{table_.parked()}}});
    const TimePoint now = system_clock().now();
    if (options_.drain_rate == 0) return now;
    const double rate =
        std::max(static_cast<double>(options_.drain_rate), parked / kPacedMax.count());
    table_.begin_drain(rate);
    return now + std::chrono::ceil<milliseconds>(std::chrono::duration<double>(parked / rate));
  }
  [[nodiscard]] bool holds() const { return table_.parked() > 0; }
  // After begin_drain(). Answers at once those who are still held.
  void stop() {
    front_.drain(kDrainPatience);
    watcher_->stop();
    writer_.stop();
    table_.close();
    front_.stop();
    if (nats_ != nullptr) nats_->stop();
    if (checkpoints_ != nullptr) checkpoints_->finish(kSnapshotPatience);
    log_info("stopped");
  }

 private:
  // If no folder was asked for, bide also runs where there is none that it may write to.
  void start_checkpoints() {
    const bool asked_for = options_.snapshot_dir.has_value();
    const std::filesystem::path dir = snapshot_dir_of(options_);
    if (dir.empty()) return;
    auto made = Checkpoints::make(dir, options_.bucket, table_, metrics_);
    if (const auto* fault = std::get_if<std::string>(&made)) {
      if (asked_for) throw StartError("--snapshot-dir: " + *fault);
      log_warn(
          "no snapshots of the table are kept, so each start reads the whole bucket",
          {{"reason", *fault}, {"cure", "give --snapshot-dir a folder of bide's own, or none"}});
      return;
    }
    checkpoints_ = std::move(std::get<std::unique_ptr<Checkpoints>>(made));
    checkpoints_->start();
  }

  void check_login(bool embedded) const {
    if (embedded) return;
    const auto fault = find_login_fault(options_.nats_url, options_.nats_credentials);
    if (fault) throw StartError(*fault);
  }

  void announce(const std::string& urls) const {
    const std::string nats =
        urls.empty() ? "context " + options_.nats_credentials.context : redacted(urls);
    const std::string file = nats_ == nullptr ? "" : nats_url_file(options_.data_dir).string();
    for (const ListenAddress& address : listens_) {
      log_info("listening", {{"url", std::string_view(url_of(address))},
                             {"nats", std::string_view(nats)},
                             {"nats_url_file", std::string_view(file)}});
    }
  }

  // As `bide wait --server` takes it.
  [[nodiscard]] std::string url_of(const ListenAddress& address) const {
    if (address.is_unix()) return text_of(address);
    return (tls_ != nullptr ? "https://" : "http://") + text_of(address) + options_.base_path;
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
  Protocols protocols_;
  Acceptor acceptor_;
  std::vector<ListenAddress> listens_;
  std::unique_ptr<EmbeddedNats> nats_;
  std::unique_ptr<Checkpoints> checkpoints_;  // Null: there are no snapshots.
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<StreamTail> tail_;
};

// What the main thread does while the server runs.
class Running {
 public:
  Running(const sigset_t& signals, Server& server, ServiceManager& manager, Reloads& reloads)
      : signals_(signals), server_(server), manager_(manager), reloads_(reloads) {}

  // Until a signal asks the server to end, or until `end`.
  void until(TimePoint end) {
    while (wait(end, kTick)) {
    }
  }
  // The same, or until no request is held.
  void until_all_answered(TimePoint end) {
    while (server_.holds() && wait(end, kDrainTick)) {
    }
  }

 private:
  static constexpr milliseconds kTick = 1s;
  static constexpr milliseconds kDrainTick = 5ms;

  // False: it is over.
  [[nodiscard]] bool wait(TimePoint end, milliseconds tick) {
    const TimePoint now = system_clock().now();
    const auto left = std::min(std::chrono::ceil<milliseconds>(end - now), tick);
    if (left <= 0ms) return false;
    const timespec time{left / 1s, (left % 1s) / 1ns};
    const int number = ::sigtimedwait(&signals_, nullptr, &time);
    if (number == SIGTERM || number == SIGINT) return false;
    if (number == SIGHUP || now >= next_look_) {
      look_after(number == SIGHUP);
      next_look_ = now + kTick;
    }
    return true;
  }

  void look_after(bool reload_all) {
    try {
      manager_.tick(server_.status(), server_.executor());
      reload_all ? reloads_.reload_all() : reloads_.reload_changed();
    } catch (const std::bad_alloc&) {
      static LogLimit limit;
      log_warn_limited(limit, "out of memory; reading anew failed, the old ones stay in force");
    }
  }

  const sigset_t& signals_;
  Server& server_;
  ServiceManager& manager_;
  Reloads& reloads_;
  TimePoint next_look_{};
};

// Until a signal ends it. Throws StartError.
void serve(const ServeOptions& options) {
  const sigset_t signals = awaited_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  use_all_descriptors();
  if (!options.core_dumps) hide_memory();
  Server server(options);
  ServiceManager manager(system_clock());
  Reloads reloads;
  server.add_to(reloads);
  server.start();
  manager.tell_ready(server.status());
  Running running(signals, server, manager, reloads);
  running.until(kEndOfTime);
  server.begin_leaving();
  manager.tell_stopping(options.drain_delay);
  if (options.drain_delay > 0ms) {
    log_info("leaving; a second signal drains at once",
             {{"drain_delay_s", std::chrono::duration<double>(options.drain_delay).count()}});
    running.until(system_clock().now() + options.drain_delay);
  }
  running.until_all_answered(server.begin_drain());
  server.stop();
}

}  // namespace

int run_serve(std::span<const std::string> args) {
  const auto fail = [](std::string_view why, int exit_code) {
    std::fprintf(stderr, "bide serve: %s\n", printable(why, "?").c_str());
    return exit_code;
  };
  try {
    auto parsed = parse_serve_options(args, process_environment(), passed_sockets());
    if (const auto* const error = std::get_if<UsageError>(&parsed)) {
      if (error->exit_code != 0) return fail(error->message, error->exit_code);
      std::fputs(error->message.c_str(), stdout);
      return 0;
    }
    serve(std::get<ServeOptions>(parsed));
  } catch (const StartError& error) {
    return fail(error.what(), 1);
  }
  flush_log(1s);
  return 0;
}

}  // namespace bide
