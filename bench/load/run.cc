#include "bench/load/run.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <utility>

#include "bench/kit/address.h"
#include "bench/load/book.h"
#include "bench/load/client_loop.h"
#include "bench/load/preflight.h"
#include "bench/load/progress.h"
#include "bench/load/report.h"
#include "bench/load/road.h"
#include "bench/load/schedule.h"
#include "bench/load/writer.h"

namespace bench::load {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSpareDescriptors = 50;
constexpr auto kReadyPatience = 30s;
constexpr auto kLeadTime = 200ms;  // For the last clients to be parked before the first event.
constexpr std::chrono::nanoseconds kDrainInterrupted = 1s;

TimePoint now() { return std::chrono::steady_clock::now(); }

// Blocked from the beginning, so that every thread inherits that and none of nats.c's system calls
// is interrupted; asked for by the main thread.
class Interrupt {
 public:
  Interrupt() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // The second one has its usual effect.
  bool requested() {
    const timespec at_once{};
    if (!requested_ && ::sigtimedwait(&signals_, nullptr, &at_once) > 0) {
      requested_ = true;
      ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    }
    return requested_;
  }

 private:
  sigset_t signals_{};
  bool requested_ = false;
};

std::string fields_of(const Options& options) {
  std::string fields = "Host: " + options.server + "\r\n";
  if (!options.token.empty()) fields += "Authorization: Bearer " + options.token + "\r\n";
  return fields;
}

// False: interrupted.
bool await_ready(ClientLoop& clients, Interrupt& interrupt) {
  const TimePoint deadline = now() + kReadyPatience;
  while (!clients.all_ready()) {
    if (interrupt.requested()) return false;
    if (now() > deadline) {
      die("only " + std::to_string(clients.traffic().clients_ready) +
          " clients had their first answer within 30 s: ask for fewer, or look at the server");
    }
    clients.turn();
  }
  return true;
}

// The part that is measured.
Outcome measure(const Options& options, const Road& road, ClientLoop& clients, Writer& writer,
                Book& book, Interrupt& interrupt) {
  Outcome outcome;
  const TimePoint begin = now() + kLeadTime;
  while (now() < begin) clients.turn();
  clients.begin_counting();
  outcome.began = begin;
  writer.start(begin);
  Progress progress(begin);
  const auto turn = [&] {
    clients.turn();
    progress.update(clients.traffic(), book);
  };
  while (!interrupt.requested() && now() < begin + options.duration) turn();
  const TimePoint end = now();
  writer.end_schedule();
  outcome.scheduled_for = end - begin;
  outcome.at_schedule_end = clients.traffic().counts;
  const auto drained = [&] {
    if (writer.is_over() && book.unseen() == 0) return true;
    return now() > end + (interrupt.requested() ? kDrainInterrupted : road.drain());
  };
  while (!drained()) turn();
  if (!writer.is_over() && !interrupt.requested())
    die("NATS does not take the events at this rate");
  outcome.took = now() - begin;
  outcome.interrupted = interrupt.requested();
  outcome.duplicates = clients.traffic().duplicates;
  outcome.counts = clients.traffic().counts;
  outcome.loop_lag = clients.take_lags();
  return outcome;
}

}  // namespace

int run(const Options& options) {
  Interrupt interrupt;
  need_descriptors(options.clients + kSpareDescriptors);
  const Address address(options.server);
  ::close(address.dial());  // Nobody there: dies before anything is written to the bucket.
  const auto road = make_road(options.road, {.every = options.every, .wait = options.wait});
  const std::string fields = fields_of(options);
  Book book(options.clients);
  Writer writer(options.nats_url, options.bucket,
                Schedule(options.clients, options.rate, options.duration), book);
  writer.define_first_jobs(options.clients);
  check_server(options, address, fields);
  ClientLoop clients(options.clients, address, *road, fields, book);
  if (!await_ready(clients, interrupt)) die("interrupted before the first event");
  Outcome outcome = measure(options, *road, clients, writer, book, interrupt);
  writer.finish();
  outcome.findings = book.findings();
  if (outcome.interrupted) outcome.unseen = std::exchange(outcome.findings.missed, 0);
  outcome.writer_lag = writer.lags();
  outcome.rewritten = writer.rewritten();
  print_report(options, outcome);
  return exit_code_of(outcome);
}

}  // namespace bench::load
