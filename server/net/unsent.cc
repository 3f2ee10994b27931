#include "server/net/unsent.h"

#include <algorithm>

namespace bide {

void Message::append_pieces(std::vector<std::string_view>& pieces, std::size_t from) const {
  if (!text.empty()) pieces.push_back(text);
  if (owner != nullptr && !owner->items.empty() && !body.empty()) {
    owner->append_json(pieces, from);
  } else if (from < body.size()) {
    pieces.push_back(body.substr(from));
  }
  if (!tail.empty()) pieces.push_back(tail);
}

void Unsent::append(const Message& message, const std::shared_ptr<const Snapshot>& owner) {
  if (body_taken_ == left().body_bytes()) {
    text_.append(tail_).append(message.text);
    owner_ = owner;
    body_ = message.body;
    body_taken_ = 0;
    tail_ = message.tail;
    return;
  }
  std::vector<std::string_view> pieces;
  message.append_pieces(pieces);
  for (const std::string_view piece : pieces) tail_ += piece;
}

void Unsent::take(std::size_t bytes) {
  taken_bytes += bytes;
  const std::size_t of_text = std::min(bytes, text_.size());
  text_.erase(0, of_text);
  bytes -= of_text;
  const std::size_t of_body = std::min(bytes, left().body_bytes() - body_taken_);
  body_taken_ += of_body;
  tail_.erase(0, bytes - of_body);
}

}  // namespace bide
