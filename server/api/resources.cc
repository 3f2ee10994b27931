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
    : Resources(HeldResource::Context{system_clock(), table, hold_time, freshness, metrics},
                StreamResource::Context{system_clock(), table, freshness, admission, metrics}) {}

Resources::Resources(const HeldResource::Context& held, const StreamResource::Context& streams)
    : job_(held),
      job_set_(held),
      overview_(held),
      job_events_(streams, kJobEvents),
      job_ws_(streams, kJobWs),
      status_events_(streams, kStatusEvents),
      status_ws_(streams, kStatusWs),
      feed_(streams) {}

}  // namespace bide
