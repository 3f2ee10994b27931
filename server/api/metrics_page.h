// server/api/metrics_page.h: What `/metrics` says. docs/metrics.md tells what it means.
//
// Thread safety: may be called from any thread. Takes microseconds, and with 100,000 connections
// about a millisecond; nobody waits for it.
#pragma once

#include <string>

#include "core/base/contact.h"
#include "core/table/job_table.h"
#include "server/metrics/http_metrics.h"
#include "server/metrics/metrics.h"
#include "server/net/connection_slots.h"

namespace bide {

// What the server knows of itself besides.
struct ServerNumbers {
  const ConnectionSlots& slots;
  bool draining = false;
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
