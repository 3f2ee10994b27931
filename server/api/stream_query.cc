#include "server/api/stream_query.h"

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "core/base/duration.h"
#include "server/api/job_query.h"
#include "server/api/known_parameters.h"

namespace bide {
namespace {

constexpr std::chrono::milliseconds kEveryMin{100};
constexpr std::chrono::milliseconds kEveryMax{60'000};

std::optional<BadQuery> parse_every(const http::Request& request,
                                    std::chrono::milliseconds& every) {
  const std::string* text = nullptr;
  if (auto bad = find_once(request, "every", text)) return bad;
  if (text == nullptr) return std::nullopt;
  const std::optional<std::chrono::milliseconds> duration = parse_duration(*text);
  if (!duration || *duration < kEveryMin || *duration > kEveryMax) {
    return BadQuery{400, "every is a duration from 100ms to 60s, like 2s or 500ms"};
  }
  every = *duration;
  return std::nullopt;
}

std::optional<BadQuery> parse_patch(const http::Request& request, bool& patches) {
  const std::string* format = nullptr;
  if (auto bad = find_once(request, "patch", format)) return bad;
  patches = format != nullptr;
  if (patches && *format != "json") {
    return BadQuery{400, "patch names the format of patches; json (RFC 6902) is the only one"};
  }
  return std::nullopt;
}

}  // namespace

std::variant<StreamQuery, BadQuery> parse_stream_query(const http::Request& request, bool ends) {
  constexpr std::array<std::string_view, 5> kOfJobs = {"last_event_id", "until", "expect", "every",
                                                       "patch"};
  constexpr std::array<std::string_view, 4> kOfAll = {"last_event_id", "label", "every", "patch"};
  const bool names_end = request.has_param("until") || request.has_param("expect");
  if (!ends && names_end) {
    return BadQuery{400, "until and expect are for a job's stream; this one has no end"};
  }
  const std::span<const std::string_view> known =
      ends ? std::span<const std::string_view>(kOfJobs) : kOfAll;
  if (auto bad = refuse_unknown_parameters(request.params, known)) return *std::move(bad);
  StreamQuery query;
  const std::string* id = nullptr;
  if (auto bad = find_once(request, "last_event_id", id)) return *std::move(bad);
  if (id != nullptr) query.last_event_id = parse_received_tag(*id);
  const auto field = request.headers.find("Last-Event-ID");
  if (field != request.headers.end()) query.last_event_id = parse_received_tag(field->second);

  if (auto bad = parse_every(request, query.every)) return *std::move(bad);
  if (auto bad = parse_patch(request, query.patches)) return *std::move(bad);
  if (auto bad = parse_labels(request, query.selection)) return *std::move(bad);
  if (!names_end) return query;
  if (auto bad = parse_until(request, query.end)) return *std::move(bad);
  const Condition::Kind kind = query.end.kind();
  if (kind == Condition::Kind::kChange || kind == Condition::Kind::kExists) {
    return BadQuery{400,
                    "until says when the stream ends: done, succeeded, or a comma list of status "
                    "words; without it, when the job is final"};
  }
  return query;
}

}  // namespace bide
