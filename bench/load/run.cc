#include "bench/load/run.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <vector>

#include "bench/kit/address.h"
#include "bench/load/book.h"
#include "bench/load/crowd.h"
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
constexpr auto kReadyPatience = 60s;
// Before the clients connect, and behind that: so that a program that samples the server finds both
// states, and the last clients are parked before the first event.
constexpr auto kPause = 500ms;
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

template <class Holds>
void turn_until(Crowd& crowd, Interrupt& interrupt, Holds holds) {
  while (!holds()) {
    if (interrupt.requested()) die("interrupted before the first event");
    crowd.turn();
  }
}

void turn_for(std::chrono::nanoseconds time, Crowd& crowd, Interrupt& interrupt) {
  turn_until(crowd, interrupt, [end = now() + time] { return now() >= end; });
}

// `crowds`: the first of them turns on this thread.
using Crowds = std::vector<Crowd*>;

void await_ready(const Crowds& crowds, Interrupt& interrupt) {
  const TimePoint deadline = now() + kReadyPatience;
  turn_until(*crowds.front(), interrupt, [&] {
    if (now() > deadline) {
      die("only " + std::to_string(crowds.front()->traffic().clients_ready) +
          " clients had their first answer within 60 s: ask for fewer, or look at the server");
    }
    return std::ranges::all_of(crowds, &Crowd::is_ready);
  });
}

void announce(TimePoint begin) {
  std::printf("begin %.3f\n", std::chrono::duration<double>(begin.time_since_epoch()).count());
  std::fflush(stdout);
}

// The part that is measured.
void measure(const Options& options, const Road& road, const Crowds& crowds, Writer& writer,
             Book& book, Interrupt& interrupt, Outcome& outcome) {
  Crowd& clients = *crowds.front();
  Progress progress(outcome.begin);
  const auto turn = [&] {
    clients.turn();
    progress.update(clients.traffic(), book);
  };
  while (!interrupt.requested() && now() < outcome.begin + options.duration) turn();
  const TimePoint end = now();
  writer.end_schedule();
  outcome.scheduled_for = end - outcome.begin;
  outcome.at_schedule_end = clients.traffic().counts;
  const auto drained = [&] {
    if (writer.is_over() && book.unseen() == 0) return true;
    return now() > end + (interrupt.requested() ? kDrainInterrupted : road.drain());
  };
  while (!drained()) turn();
  if (!writer.is_over() && !interrupt.requested())
    die("NATS does not take the events at this rate");
  outcome.end = now();
  outcome.interrupted = interrupt.requested();
}

Outcome::Part part_of(const Book& book, Book::Crowd crowd, Crowd& clients) {
  return {.findings = book.findings(crowd),
          .counts = clients.traffic().counts,
          .clients = clients.clients(),
          .loop_lag = clients.take_lags(),
          .requests_by_tick = clients.requests_by_tick()};
}

}  // namespace

int run(const Options& options) {
  Interrupt interrupt;
  const Audience& audience = options.audience;
  need_descriptors(audience.clients + audience.dashboards + kSpareDescriptors);
  const Address address(options.server);
  ::close(address.dial());  // Nobody there: dies before anything is written to the bucket.
  const auto road = make_road(options.road, {.every = options.every, .wait = options.wait});
  const std::string fields = fields_of(options);
  Book book(audience);
  Writer writer(options.nats_urls, options.bucket,
                options.is_story()
                    ? story_schedule(audience, options.duration)
                    : steady_schedule(audience.clients, options.rate, options.duration),
                book);
  writer.define_first_jobs();
  check_server(options, address, fields);
  Crowd clients(0, audience.clients, address, *road, fields, book);
  Crowd dashboards(audience.clients, audience.dashboards, address, *road, fields, book);
  Crowds crowds = {&clients};
  if (audience.dashboards > 0) crowds.push_back(&dashboards);

  Outcome outcome;
  std::this_thread::sleep_for(kPause);
  outcome.defined = now();
  if (audience.dashboards > 0) dashboards.start();
  await_ready(crowds, interrupt);
  turn_for(kPause, clients, interrupt);
  outcome.waiting = now();
  outcome.begin = now() + kPause;
  if (options.is_story()) announce(outcome.begin);
  for (Crowd* const crowd : crowds) crowd->begin_counting(outcome.begin);
  turn_for(kPause, clients, interrupt);
  writer.start(outcome.begin);
  measure(options, *road, crowds, writer, book, interrupt, outcome);
  dashboards.stop();
  writer.finish();
  outcome.clients = part_of(book, Book::kClients, clients);
  outcome.dashboards = part_of(book, Book::kDashboards, dashboards);
  outcome.writer_lag = writer.lags();
  outcome.rewritten = writer.rewritten();
  print_report(options, outcome);
  return exit_code_of(outcome);
}

}  // namespace bench::load
