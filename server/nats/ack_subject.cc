#include "server/nats/ack_subject.h"

#include <array>
#include <charconv>

namespace bide {
namespace {

constexpr std::string_view kPrefix = "$JS.ACK.";
constexpr std::size_t kShortTokens = 7;  // After the prefix: stream to pending.
constexpr std::size_t kLongTokens = 9;   // With domain and account hash in front.
// A server may append more tokens; they are ignored.
constexpr std::size_t kTokensMax = 16;

std::optional<std::uint64_t> number(std::string_view token) {
  std::uint64_t value = 0;
  const char* const end = token.data() + token.size();
  const auto [parsed, error] = std::from_chars(token.data(), end, value);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<AckSubject> parse_ack_subject(std::string_view subject) {
  if (!subject.starts_with(kPrefix)) return std::nullopt;
  subject.remove_prefix(kPrefix.size());
  std::array<std::string_view, kTokensMax> tokens;
  std::size_t count = 0;
  for (bool more = true; more;) {
    if (count == kTokensMax) return std::nullopt;
    const std::size_t dot = subject.find('.');
    tokens[count++] = subject.substr(0, dot);
    more = dot != std::string_view::npos;
    if (more) subject.remove_prefix(dot + 1);
  }
  if (count != kShortTokens && count < kLongTokens) return std::nullopt;

  const std::size_t first = count == kShortTokens ? 2 : 4;  // <delivered>, which is not used.
  const auto stream_seq = number(tokens[first + 1]);
  const auto consumer_seq = number(tokens[first + 2]);
  const auto time = number(tokens[first + 3]);
  const auto pending = number(tokens[first + 4]);
  if (!stream_seq || !consumer_seq || !time || !pending) return std::nullopt;
  return AckSubject{*stream_seq, *consumer_seq, WallTime(std::chrono::nanoseconds(*time)),
                    *pending};
}

}  // namespace bide
