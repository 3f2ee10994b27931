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
                     JobTable& table, Writer& writer, const std::string& base_path,
                     HttpMetrics& metrics)
    : Resources(HeldResource::Context{system_clock(), table, hold_time, freshness, metrics},
                StreamResource::Context{system_clock(), table, freshness, admission, metrics},
                writer, base_path) {}

Resources::Resources(const HeldResource::Context& held, const StreamResource::Context& streams,
                     Writer& writer, const std::string& base_path)
    : job_(held),
      job_set_(held),
      overview_(held),
      job_events_(streams, kJobEvents),
      job_ws_(streams, kJobWs),
      status_events_(streams, kStatusEvents),
      status_ws_(streams, kStatusWs),
      feed_(streams),
      report_(held, WriteResource::What::kReport, writer, base_path),
      define_(held, WriteResource::What::kDefine, writer, base_path),
      create_(held, WriteResource::What::kCreate, writer, base_path),
      delete_(held, WriteResource::What::kDelete, writer, base_path) {}

}  // namespace bide
