#include <algorithm>
#include <array>
#include <utility>

#include "bench/micro/steps.h"

namespace bide::bench {
namespace {

template <typename Value, std::size_t kSize>
using Words = std::array<std::pair<std::string_view, Value>, kSize>;

constexpr Words<Operation, 9> kOperations = {{
    {"not-modified", Operation::kNotModified},
    {"found", Operation::kFound},
    {"park-and-wake", Operation::kParkAndWake},
    {"record", Operation::kRecord},
    {"connect", Operation::kConnect},
    {"applied", Operation::kApplied},
    {"applied-awaited", Operation::kAppliedAwaited},
    {"reported", Operation::kReported},
    {"body-read", Operation::kBodyRead},
}};

constexpr Words<Setting, 9> kSettings = {{
    {"plain", Setting::kPlain},
    {"labels", Setting::kLabels},
    {"places", Setting::kPlaces},
    {"rate", Setting::kRate},
    {"token-file", Setting::kTokenFile},
    {"jwt", Setting::kJwt},
    {"jwt-new", Setting::kJwtNew},
    {"rs256-new", Setting::kRs256New},
    {"tls", Setting::kTls},
}};

template <typename Value, std::size_t kSize>
std::optional<Value> value_of(std::string_view word, const Words<Value, kSize>& words) {
  const auto* const found =
      std::find_if(words.begin(), words.end(), [&](const auto& one) { return one.first == word; });
  return found == words.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<Operation> operation_from_word(std::string_view word) {
  return value_of(word, kOperations);
}

std::optional<Setting> setting_from_word(std::string_view word) {
  return value_of(word, kSettings);
}

}  // namespace bide::bench
