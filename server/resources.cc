#include "server/resources.h"

namespace bide {
namespace {

constexpr StreamResource::What kJobEvents = {.event = "job",
                                             .path = "/events",
                                             .open = open_event_stream,
                                             .opened = &HttpMetrics::event_streams,
                                             .parked_on = ParkedOn::kJobEvents,
                                             .hides_trouble = true};
constexpr StreamResource::What kJobWs = {.event = "job",
                                         .path = "/ws",
                                         .open = open_web_socket,
                                         .opened = &HttpMetrics::web_sockets,
                                         .parked_on = ParkedOn::kJobWebSocket};
constexpr StreamResource::What kStatusEvents = {.event = "status",
                                                .ends = false,
                                                .path = "/job/status/events",
                                                .open = open_event_stream,
                                                .opened = &HttpMetrics::event_streams,
                                                .parked_on = ParkedOn::kStatisticsEvents,
                                                .hides_trouble = true};
constexpr StreamResource::What kStatusWs = {.event = "status",
                                            .ends = false,
                                            .path = "/job/status/ws",
                                            .open = open_web_socket,
                                            .opened = &HttpMetrics::web_sockets,
                                            .parked_on = ParkedOn::kStatisticsWebSocket};

}  // namespace

Resources::Resources(const HoldTime& hold_time, const Freshness& freshness, JobTable& table,
                     HttpMetrics& metrics)
    : Resources({system_clock(), hold_time, freshness, metrics}, table) {}

Resources::Resources(const HeldResource::Context& context, JobTable& table)
    : sets_(table, context.clock),
      job_(context, table),
      job_set_(context, sets_),
      overview_(context, table.overview()),
      job_events_(context.clock, context.freshness, table, context.metrics, kJobEvents),
      job_ws_(context.clock, context.freshness, table, context.metrics, kJobWs),
      status_events_(context.clock, context.freshness, table.overview(), context.metrics,
                     kStatusEvents),
      status_ws_(context.clock, context.freshness, table.overview(), context.metrics, kStatusWs),
      feed_(context.clock, context.freshness, table.overview(), context.metrics) {}

}  // namespace bide
