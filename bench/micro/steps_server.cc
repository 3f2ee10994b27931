#include "bench/micro/steps_server.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "bench/micro/worker_entries.h"
#include "server/front.h"
#include "server/resources.h"
#include "server/router.h"

namespace bide::bench {
namespace {

constexpr Epoch kEpoch = 1'769'860'800'123'456'789;

// A server that refuses what it is given makes every figure wrong.
void must(bool holds) {
  if (!holds) std::abort();
}

// Router, and behind every request that it parks the event that wakes it.
class WakingHandler final : public Handler {
 public:
  WakingHandler(Handler& inner, JobTable& table, std::vector<Entry> events)
      : inner_(inner), table_(table), events_(std::move(events)) {}

  void handle(const httplib::Request& request, Exchange& exchange) override {
    inner_.handle(request, exchange);
    if (table_.parked() == 0) return;
    must(next_ < events_.size() && table_.apply(events_[next_]));
    ++next_;
  }

 private:
  Handler& inner_;
  JobTable& table_;
  const std::vector<Entry> events_;
  std::size_t next_ = 0;
};

std::vector<Entry> completions(std::size_t jobs) {
  std::vector<Entry> events;
  for (std::size_t i = 0; i < jobs; ++i) {
    events.push_back(completion_of(job_id(i), 1'000'000 + i));
  }
  return events;
}

BucketRead started_jobs(std::size_t jobs) {
  BucketRead read(jobs);
  for (std::size_t i = 0; i < jobs; ++i) {
    for (const Entry& entry : started_job(job_id(i), 1 + 4 * i)) must(read.absorb(entry));
  }
  return read;
}

}  // namespace

struct StepsServer::Parts {
  HttpMetrics http_metrics;
  Metrics metrics;
  Contact contact;
  AccessLogger access_logger{system_clock(), AccessLog::kOff};
  Front front{system_clock(), {}, http_metrics, access_logger};
  JobTable table{system_clock(), {}, &front.crew()};
  Freshness freshness{contact, std::chrono::seconds(5), table.catch_up()};
  HoldTime hold_time{{}};
  Admission admission{system_clock(), nullptr, ""};
  CrossOrigin cross_origin{{}};
  Resources resources{hold_time, freshness, admission, table, http_metrics};
  HealthResource health{
      system_clock(), std::chrono::seconds(5), table, contact, metrics, http_metrics, [this] {
        return HealthResource::Numbers{front.slots(), false, 0};
      }};
  Router router{"", resources.routes(health), admission, cross_origin, http_metrics};
  std::unique_ptr<WakingHandler> handler;
};

StepsServer::StepsServer(std::size_t jobs) : parts_(std::make_unique<Parts>()) {
  parts_->table.install(started_jobs(jobs), kEpoch, std::chrono::nanoseconds(0));
  parts_->contact.set_ready(true);
  parts_->contact.heard(system_clock().now() + std::chrono::hours(1));
  parts_->handler =
      std::make_unique<WakingHandler>(parts_->router, parts_->table, completions(jobs));
  parts_->front.start(parts_->table, *parts_->handler, 1);
}

StepsServer::~StepsServer() {
  parts_->table.close();
  parts_->front.stop();
}

void StepsServer::adopt(int fd) { parts_->front.adopt(fd); }

}  // namespace bide::bench
