#include "server/resources.h"

namespace bide {

Resources::Resources(const HoldTime& hold_time, const Freshness& freshness, JobTable& table,
                     HttpMetrics& metrics)
    : job_(system_clock(), hold_time, freshness, table, metrics),
      job_events_(system_clock(), freshness, table, metrics,
                  {.event = "job",
                   .path = "/events",
                   .open = open_event_stream,
                   .opened = &HttpMetrics::event_streams,
                   .hides_trouble = true}),
      job_ws_(system_clock(), freshness, table, metrics,
              {.event = "job",
               .path = "/ws",
               .open = open_web_socket,
               .opened = &HttpMetrics::web_sockets}) {}

}  // namespace bide
