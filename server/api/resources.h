// server/api/resources.h: All resources that show jobs, put together for the router.
//
// Thread safety: as each of them.
#pragma once

#include <string>

#include "core/table/job_table.h"
#include "server/api/feed_resource.h"
#include "server/api/freshness.h"
#include "server/api/hold_time.h"
#include "server/api/job_resource.h"
#include "server/api/job_set_resource.h"
#include "server/api/overview_resource.h"
#include "server/api/router.h"
#include "server/api/stream_resource.h"
#include "server/api/write_resource.h"
#include "server/metrics/http_metrics.h"

namespace bide {

class Resources {
 public:
  // All must outlive this. Destroy it when nothing is parked any more: after JobTable::drain(), and
  // after the executor has run the tasks that drain() gave it.
  // `base_path` as in Router.
  Resources(const HoldTime& hold_time, const Freshness& freshness, Admission& admission,
            JobTable& table, Writer& writer, const std::string& base_path, HttpMetrics& metrics);

  [[nodiscard]] Router::Resources routes(HealthResource& health) {
    return {health,     job_,  job_events_, job_ws_, job_set_, overview_, status_events_,
            status_ws_, feed_, report_,     define_, create_,  delete_};
  }

 private:
  Resources(const HeldResource::Context& held, const StreamResource::Context& streams,
            Writer& writer, const std::string& base_path);

  JobResource job_;
  JobSetResource job_set_;
  OverviewResource overview_;
  StreamResource job_events_;
  StreamResource job_ws_;
  StreamResource status_events_;
  StreamResource status_ws_;
  FeedResource feed_;
  WriteResource report_;
  WriteResource define_;
  WriteResource create_;
  WriteResource delete_;
};

}  // namespace bide
