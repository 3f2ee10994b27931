// server/api/metrics_page.h: Renders `/metrics`. docs/metrics.md explains the metrics.
//
// Thread safety: may be called from any thread. Takes microseconds, and about a millisecond with
// 100,000 connections; no other thread waits for it.
#pragma once

#include <string>

#include "core/base/contact.h"
#include "core/table/job_table.h"
#include "server/metrics/http_metrics.h"
#include "server/metrics/metrics.h"
#include "server/net/connection_slots.h"

namespace bide {

// Further numbers of the server.
struct ServerNumbers {
  const ConnectionSlots& slots;
  bool leaving = false;
  std::size_t parked_max = 0;
  std::size_t unread_bytes = 0;
};

struct MetricsSources {
  TimePoint now;
  const JobTable& table;
  const Contact& contact;
  const Metrics& watching;
  const HttpMetrics& http;
  const ServerNumbers& numbers;
};

[[nodiscard]] std::string metrics_page(const MetricsSources& sources);

}  // namespace bide
