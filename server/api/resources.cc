#include "server/api/resources.h"

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

Resources::Resources(const HoldTime& hold_time, const Freshness& freshness, Admission& admission,
                     JobTable& table, HttpMetrics& metrics)
    : Resources({system_clock(), hold_time, freshness, metrics},
                {system_clock(), freshness, admission, metrics}, table) {}

Resources::Resources(const HeldResource::Context& held, const StreamResource::Context& streams,
                     JobTable& table)
    : sets_(table, held.clock),
      job_(held, table),
      job_set_(held, sets_),
      overview_(held, table.overview()),
      job_events_(streams, table, kJobEvents),
      job_ws_(streams, table, kJobWs),
      status_events_(streams, table.overview(), kStatusEvents),
      status_ws_(streams, table.overview(), kStatusWs),
      feed_(streams, table.overview()) {}

}  // namespace bide
