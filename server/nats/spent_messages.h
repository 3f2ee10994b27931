// server/nats/spent_messages.h: Messages of nats.c that are not needed any more.
//
// nats.c frees a message on a thread of its own, and wakes that thread for each message. These two
// context switches took a tenth of the time to read a large bucket, and as much of each write. So
// messages are kept, and freed some hundreds at a time, or when there is nothing else to do.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "server/nats/login/nats_handles.h"

namespace bide {

class SpentMessages {
 public:
  // `message` may be null.
  void add(NatsMsgPtr message) {
    if (message == nullptr) return;
    bytes_ += static_cast<std::size_t>(natsMsg_GetDataLength(message.get()));
    messages_.push_back(std::move(message));
  }
  // Time to free().
  [[nodiscard]] bool full() const { return messages_.size() >= kMax || bytes_ >= kBytesMax; }
  void free() {
    messages_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr std::size_t kMax = 256;
  static constexpr std::size_t kBytesMax = 1 << 20;

  std::vector<NatsMsgPtr> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace bide
