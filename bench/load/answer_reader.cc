#include "bench/load/answer_reader.h"

#include <charconv>

namespace bench::load {
namespace {

std::optional<std::uint64_t> to_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

// Not core's parse_opaque_tag(): it proves a tag by writing it again, an allocation an answer.
std::uint64_t revision_of(std::string_view tag) {
  const std::size_t first = tag.find('-');
  const std::size_t last = tag.rfind('-');
  if (!tag.starts_with('"') || first == last) return 0;
  return to_number(tag.substr(first + 1, last - first - 1)).value_or(0);
}

std::optional<Answer> ResponseAnswers::take() {
  const std::optional<Response> response = reader_.take();
  if (!response) return std::nullopt;
  Answer answer;
  answer.status = response->status;
  answer.tag = response->field("ETag");
  answer.revision = revision_of(answer.tag);
  answer.final = response->field("Bide-Final") == "true";
  answer.closes = response->field("Connection") == "close";
  if (const auto seconds = to_number(response->field("Retry-After"))) {
    answer.retry_after = std::chrono::seconds(*seconds);
  }
  return answer;
}

}  // namespace bench::load
