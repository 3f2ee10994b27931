#include "core/job/status.h"

namespace bide {
namespace {

constexpr std::array<std::string_view, 6> kStatusWords = {
    "submitted", "processing", "completed", "failed", "skipped", "partial_failure"};
constexpr std::array<std::string_view, 7> kEventWords = {
    "submitted", "acknowledged", "started", "completed", "failed", "skipped", "retried"};

template <typename Enum, std::size_t N>
std::optional<Enum> find_word(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view word_of(Status status) { return kStatusWords[static_cast<std::size_t>(status)]; }
std::string_view word_of(EventKind event) { return kEventWords[static_cast<std::size_t>(event)]; }

std::optional<Status> status_from_word(std::string_view word) {
  return find_word<Status>(kStatusWords, word);
}
std::optional<EventKind> event_from_word(std::string_view word) {
  return find_word<EventKind>(kEventWords, word);
}

bool is_terminal(Status status) {
  return status != Status::kSubmitted && status != Status::kProcessing;
}

}  // namespace bide
