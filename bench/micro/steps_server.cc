#include "bench/micro/steps_server.h"

#include <semaphore.h>

#include <cstdlib>
#include <ctime>
#include <deque>
#include <utility>
#include <vector>

#include "bench/micro/requests.h"
#include "bench/micro/worker_entries.h"
#include "server/api/protocols.h"
#include "server/api/resources.h"
#include "server/api/router.h"
#include "server/api/write_body.h"
#include "server/auth/jwt_authority.h"
#include "server/auth/token_file.h"
#include "server/net/front.h"

namespace bide::bench {
namespace {

constexpr Epoch kEpoch = 1'769'860'800'123'456'789;

// If a server refuses its requests, every figure is wrong.
void must(bool holds) {
  if (!holds) std::abort();
}

// Completions of the jobs, one after the other.
class Events {
 public:
  Events(JobTable& table, std::size_t jobs) : table_(table) {
    for (std::size_t i = 0; i < jobs; ++i) {
      events_.push_back(completion_of(job_id(i), 1'000'000 + i));
    }
  }
  void apply_next() {
    must(next_ < events_.size() && table_.apply(events_[next_]));
    ++next_;
  }

 private:
  JobTable& table_;
  std::vector<Entry> events_;
  std::size_t next_ = 0;
};

// Waits for a job to be done, and says nothing then.
class SilentWaiter final : public Waiter {
 public:
  explicit SilentWaiter(sem_t& answered) : answered_(answered) {
    terms.condition = Condition::done();
    terms.deadline = system_clock().now() + std::chrono::hours(1);
  }
  [[nodiscard]] bool present(std::uint64_t) const noexcept override { return true; }
  [[nodiscard]] bool try_claim() noexcept override { return true; }
  void answer(Outcome, std::shared_ptr<const Snapshot>) noexcept override {
    ::sem_post(&answered_);
  }
  void lose() noexcept override {}

 private:
  sem_t& answered_;
};

BucketRead started_jobs(std::size_t jobs, bool labelled) {
  BucketRead read(jobs);
  for (std::size_t i = 0; i < jobs; ++i) {
    for (Entry& entry : started_job(job_id(i), 1 + 4 * i)) {
      auto* const definition = std::get_if<Definition>(&entry.what);
      if (labelled && definition != nullptr) {
        definition->labels = Labels(std::map<std::string, std::string>{
            {"team", "ci"}, {"arch", "amd64"}, {"release", "42"}, {"run", job_id(i)}});
      }
      must(read.absorb(entry));
    }
  }
  return read;
}

std::size_t jobs_for(Operation operation) {
  const bool one = operation == Operation::kNotModified || operation == Operation::kFound ||
                   operation == Operation::kConnect;
  return one ? 1 : kStepsMax + kWarmUp;
}

std::unique_ptr<Authority> authority_for(Setting setting, const std::filesystem::path& directory) {
  switch (setting) {
    case Setting::kPlain:
    case Setting::kLabels:
    case Setting::kPlaces:
    case Setting::kRate:
    case Setting::kTls:
      return nullptr;
    case Setting::kTokenFile:
      return std::make_unique<TokenFile>(directory / "tokens");
    case Setting::kJwt:
    case Setting::kJwtNew:
      return std::make_unique<JwtAuthority>(JwtSettings{.secret_file = directory / "secret"});
    case Setting::kRs256New:
      return std::make_unique<JwtAuthority>(JwtSettings{.key_file = directory / "public.pem"});
  }
  return nullptr;
}

Front::Limits limits_for(Setting setting) {
  Front::Limits limits;
  const bool rate = setting == Setting::kRate;
  if (rate || setting == Setting::kPlaces) limits.per_client.places = 20'000;
  if (rate) limits.per_client.per_second = 1'000'000;
  return limits;
}

}  // namespace

bool is_without_client(Operation operation) {
  return operation == Operation::kApplied || operation == Operation::kAppliedAwaited ||
         operation == Operation::kBodyRead;
}

// In place of a bucket: an event is stored and delivered at once.
class TableWriter final : public Writer {
 public:
  explicit TableWriter(JobTable& table) : table_(table) {}
  [[nodiscard]] Room take_room(const Write& /*write*/) override { return Room::kTaken; }
  void give_back(const Write& /*write*/) override {}
  void submit(const WritePtr& write) noexcept override {
    const Revision revision = ++revision_;
    must(table_.apply(decoded({write->entry.key, write->entry.value}, revision)));
    table_.writes().finish(write, {.end = Write::End::kStored, .revision = revision});
  }

 private:
  JobTable& table_;
  Revision revision_ = 2'000'000;
};

void read_body() {
  http::Request request;
  request.body = kReport;
  const auto entry = parse_event(request, job_id(1), std::chrono::system_clock::now());
  must(std::holds_alternative<NewEntry>(entry));
}

struct StepsServer::Parts {
  Parts(const Order& order, const std::filesystem::path& directory)
      : reads_bodies(order.operation == Operation::kBodyRead),
        authority(authority_for(order.setting, directory)),
        front(system_clock(), limits_for(order.setting), http_metrics, access_logger) {
    ::sem_init(&told, 0, 0);
    if (order.setting != Setting::kTls) return;
    tls = std::make_unique<TlsContext>(
        TlsContext::Files{directory / "server.crt", directory / "server.key", {}, {}});
    front.use_tls(tls.get());
  }

  const bool reads_bodies;
  HttpMetrics http_metrics;
  Metrics metrics;
  Contact contact;
  AccessLogger access_logger{system_clock(), AccessLog::kOff};
  std::unique_ptr<Authority> authority;
  std::unique_ptr<TlsContext> tls;
  Front front;
  JobTable table{system_clock(), {}, &front.executor()};
  Freshness freshness{contact, std::chrono::seconds(5), table.catch_up()};
  HoldTime hold_time{{}};
  Admission admission{system_clock(), authority.get(), ""};
  CrossOrigin cross_origin{{}};
  TableWriter writer{table};
  Resources resources{hold_time, freshness, admission, table, writer, "", http_metrics};
  HealthResource health{
      system_clock(), std::chrono::seconds(5), table, contact, metrics, http_metrics, [this] {
        return HealthResource::Numbers{front.slots()};
      }};
  Router router{"", false, resources.routes(health), admission, cross_origin, http_metrics};
  std::unique_ptr<Events> events;
  // Behind every request that is parked comes the event that wakes it.
  Protocols protocols{front, table, [this](const http::Request& request, Exchange& exchange) {
                        const bool holds = request.method == "GET";
                        router.handle(request, exchange);
                        if (holds && table.parked() > 0) events->apply_next();
                      }};
  sem_t told{};
  std::deque<SilentWaiter> waiters;
};

StepsServer::StepsServer(const Order& order, const std::filesystem::path& directory)
    : parts_(std::make_unique<Parts>(order, directory)) {
  const std::size_t jobs = jobs_for(order.operation);
  JobTable& table = parts_->table;
  table.install(started_jobs(jobs, order.setting == Setting::kLabels), kEpoch,
                std::chrono::nanoseconds(0));
  parts_->contact.set_ready(true);
  parts_->contact.heard(system_clock().now() + std::chrono::hours(1));
  parts_->events = std::make_unique<Events>(table, jobs);
  parts_->front.start(parts_->protocols.all(), 1);
  if (order.operation != Operation::kAppliedAwaited) return;
  for (std::size_t i = 0; i < jobs; ++i) {
    SilentWaiter& waiter = parts_->waiters.emplace_back(parts_->told);
    Look look;
    must(table.park(job_id(i), waiter, 0, system_clock().now(), look) == Parked::kParked);
  }
}

StepsServer::~StepsServer() {
  parts_->table.close();
  parts_->front.stop();
}

void StepsServer::adopt(int fd) { parts_->front.adopt(fd); }

void StepsServer::apply_next() { parts_->events->apply_next(); }

bool StepsServer::apply_all(std::size_t jobs) {
  timespec end{};
  ::clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += 10;
  for (std::size_t i = 0; i < jobs; ++i) {
    if (parts_->reads_bodies) {
      read_body();
      continue;
    }
    parts_->events->apply_next();
    // One at a time, because a notifier answers several changed jobs in one wake-up.
    if (parts_->waiters.empty()) continue;
    if (::sem_clockwait(&parts_->told, CLOCK_MONOTONIC, &end) != 0) return false;
  }
  return true;
}

}  // namespace bide::bench
