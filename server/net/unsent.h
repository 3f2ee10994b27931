// server/net/unsent.h: The part of a response or stream that a socket has not taken: a text, then a
// body that lives in a snapshot, which all its receivers share, then a tail.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/snapshot.h"

namespace bide {

// Bytes to be sent. `body` lives in `owner`. If `owner` has items, `body` stands for its whole
// JSON.
struct Message {
  std::string_view text;
  const Snapshot* owner = nullptr;
  std::string_view body;
  std::string_view tail;

  [[nodiscard]] std::size_t body_bytes() const {
    return body.size() + (owner == nullptr || body.empty() ? 0 : owner->items_bytes);
  }
  [[nodiscard]] std::size_t bytes() const { return text.size() + body_bytes() + tail.size(); }
  // Appends the pieces of the message, those of the body from its byte `from` on.
  void append_pieces(std::vector<std::string_view>& pieces, std::size_t from = 0) const;
};

class Unsent {
 public:
  // Copies text and tail.
  Unsent(const Message& message, std::shared_ptr<const Snapshot> owner)
      : text_(message.text), owner_(std::move(owner)), body_(message.body), tail_(message.tail) {}

  // Adds a message at the end. Copies its body if the present one has not been sent completely.
  void append(const Message& message, const std::shared_ptr<const Snapshot>& owner);
  void take(std::size_t bytes);  // This many bytes at the front were sent.
  [[nodiscard]] Message left() const { return {text_, owner_.get(), body_, tail_}; }
  void append_pieces(std::vector<std::string_view>& pieces) const {
    left().append_pieces(pieces, body_taken_);
  }
  [[nodiscard]] bool empty() const {
    return text_.empty() && body_taken_ == left().body_bytes() && tail_.empty();
  }

  // The memory that it keeps from being freed, as UnreadBytes counts it.
  [[nodiscard]] const Snapshot* owner() const { return owner_.get(); }
  [[nodiscard]] std::size_t own_bytes() const { return text_.capacity() + tail_.capacity(); }
  std::uint64_t client = 0;  // 0: not counted.
  std::size_t counted_bytes = 0;

  // For Sender::is_fast_enough(): what was taken since the deadline was set.
  std::size_t taken_bytes = 0;
  int on_wire_bytes = 0;  // What the kernel held then and the client had not acknowledged.

 private:
  std::string text_;
  std::shared_ptr<const Snapshot> owner_;
  std::string_view body_;
  std::size_t body_taken_ = 0;
  std::string tail_;
};

}  // namespace bide
