#include "client/reply.h"

#include <algorithm>
#include <charconv>

#include "core/json_object.h"

namespace bide {
namespace {

constexpr std::size_t kDetailBytesMax = 300;

std::chrono::milliseconds parse_retry_after(std::string_view text) {
  constexpr std::chrono::seconds kLongest{60};  // Beyond it, a server that is back would be missed.
  unsigned seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (error == std::errc::result_out_of_range) return kLongest;
  if (error != std::errc() || rest != end) return std::chrono::milliseconds(0);
  return std::min(std::chrono::seconds(seconds), kLongest);
}

// What a person should read: the problem document's detail, in one line.
std::string detail_of(const RawReply& raw) {
  const auto problem = JsonObject::parse(raw.body, {"detail"}, kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&problem);
  std::string detail = object != nullptr ? (*object)["detail"].text : std::string();
  detail.resize(std::min(detail.size(), kDetailBytesMax));
  std::ranges::replace_if(
      detail, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, ' ');
  const std::string code = "the server answered " + std::to_string(raw.http_status);
  return detail.empty() ? code : code + ": " + detail;
}

Reply answer_of(RawReply raw) {
  const auto status = status_from_word(raw.job_status);
  if (!status) return Denial{raw.http_status, "the answer is not bide's (no Bide-Status)"};
  return Answer{.news = raw.http_status == 200,
                .status = *status,
                .final = raw.job_final == "true",
                .outcome = std::move(raw.outcome),
                .etag = std::move(raw.etag),
                .body = std::move(raw.body)};
}

}  // namespace

Reply interpret(RawReply raw) {
  switch (raw.http_status) {
    case 200:
    case 304:
      return answer_of(std::move(raw));
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return Trouble{detail_of(raw), parse_retry_after(raw.retry_after)};
    default:
      return Denial{raw.http_status, detail_of(raw)};
  }
}

}  // namespace bide
