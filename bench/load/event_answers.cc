#include "bench/load/event_answers.h"

namespace bench::load {

bool EventAnswers::opens(const Response& head) const {
  return head.status == 200 && head.field("Content-Type").starts_with("text/event-stream");
}

// A body that ends without `end` is the server's way to say that it cannot go on: a drain, say.
std::optional<Answer> EventAnswers::take_record() {
  Answer answer;
  if (const std::optional<StreamEvent> event = events_.take()) {
    answer = answer_to(event->type, event->id);
  } else if (chunks_.is_over()) {
    answer = {.status = kCutShort, .closes = true};
  } else {
    return std::nullopt;
  }
  answer.reconnect_after = events_.retry();
  return answer;
}

}  // namespace bench::load
