#include "bench/load/stream_answers.h"

namespace bench::load {

void StreamAnswers::feed(std::string_view bytes) {
  if (opened_) return on_stream(bytes);
  if (refusal_) return refusal_->feed(bytes);
  opening_ += bytes;
  const std::optional<Response> head = parse_head(opening_);
  if (!head) return;
  opened_ = opens(*head);
  if (opened_) return on_stream(std::string_view(opening_).substr(head->head.size()));
  refusal_.emplace().feed(opening_);
}

std::optional<Answer> StreamAnswers::take() {
  if (opened_) return take_record();
  if (!refusal_) return std::nullopt;
  std::optional<Answer> answer = refusal_->take();
  // A stream that was refused is tried again on a connection of its own.
  if (answer) answer->closes = true;
  return answer;
}

Answer StreamAnswers::answer_to(std::string_view event, std::string_view id) {
  if (event == "job") {
    tag_.assign("\"").append(id).append("\"");
    return {.status = 200, .tag = tag_, .revision = revision_of(tag_), .more_follow = true};
  }
  if (event == "end") return {.status = kOver, .final = true, .closes = true};
  if (event == "gone") return {.status = 404, .closes = true};
  if (event == "auth-expired") return {.status = 401, .closes = true};
  return {.status = kNothingYet, .more_follow = true};
}

}  // namespace bench::load
