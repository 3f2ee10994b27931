// server/resources.h: All resources that are made of jobs, put together for the router.
//
// Thread safety: as each of them.
#pragma once

#include "core/job_table.h"
#include "server/freshness.h"
#include "server/hold_time.h"
#include "server/http_metrics.h"
#include "server/job_resource.h"
#include "server/router.h"
#include "server/stream_resource.h"

namespace bide {

class Resources {
 public:
  // All must outlive this.
  Resources(const HoldTime& hold_time, const Freshness& freshness, JobTable& table,
            HttpMetrics& metrics);

  [[nodiscard]] Router::Resources routes(HealthResource& health) {
    return {health, job_, job_events_, job_ws_};
  }

 private:
  JobResource job_;
  StreamResource job_events_;
  StreamResource job_ws_;
};

}  // namespace bide
