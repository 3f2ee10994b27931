#include "server/net/exchange.h"

#include <utility>

#include "server/http/cross_origin.h"
#include "server/http1/response_writer.h"
#include "server/net/front.h"

namespace bide {

void Exchange::send(const httplib::Response& response, LogPath path) {
  send_around(response, nullptr, {}, {}, path);
}

void Exchange::send_around(const httplib::Response& response,
                           const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                           std::string_view tail, LogPath path) {
  const RequestFacts& asked = connection_.facts;
  const Delivery delivery{.head_only = asked.head,
                          .http_1_0 = asked.http10,
                          .close = asked.close,
                          .further_fields = further_fields()};
  std::string text;
  const Message whole{response.body, owner.get(), body, tail};
  append_head(text, response, whole.bytes(), delivery);
  if (!has_body(response.status, delivery)) body = tail = {};
  if (has_body(response.status, delivery)) text += response.body;
  note_response(response.status, Message{text, owner.get(), body, tail}.bytes(), path);
  transmit(text, owner, body, tail);
}

void Exchange::transmit(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                        std::string_view body, std::string_view tail) {
  sent_bytes_ += Message{text, owner.get(), body, tail}.bytes();
  ++sent_pieces_;
  front_.send(connection_, text, owner, body, tail);
}

std::string_view Exchange::further_fields() const {
  const std::string* const fields = connection_.facts.cross_origin;
  return fields == nullptr ? kSameOriginOnly : *fields;
}

std::uint64_t Exchange::client() const { return connection_.client(); }

bool Exchange::unread_full(std::size_t body_bytes) {
  return front_.unread_.is_full(connection_.client(), body_bytes);
}

void Exchange::charge() { front_.charge(connection_); }

bool Exchange::take_places(std::uint16_t places) { return front_.take_places(connection_, places); }

void Exchange::send_laid_out(int status, std::string_view text,
                             const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                             LogPath path) {
  note_response(status, Message{text, owner.get(), body, {}}.bytes(), path);
  transmit(text, owner, body, {});
}

void Exchange::note_response(int status, std::size_t bytes, LogPath path) {
  count(front_.metrics_.mine().responses[static_cast<std::size_t>(status / 100)]);
  front_.access_logger_.response(connection_, status, bytes, path);
}

Exchange::Park Exchange::park(Holder& holder, std::string_view key, Waiter::Terms terms,
                              Lot::Parked& parked, Lot::Look& look) {
  connection_.input = rest_;
  connection_.holder = &holder;
  connection_.parked_on = holder.parked_on(key);
  connection_.key = key;
  connection_.terms = std::move(terms);
  return park_under(key, parked, look);
}

Exchange::Park Exchange::park_stream(Lot::Parked& parked, Lot::Look& look) {
  const std::string key = connection_.key;
  return park_under(key, parked, look);
}

Exchange::Park Exchange::park_under(std::string_view key, Lot::Parked& parked, Lot::Look& look) {
  parked = front_.park(connection_, key, look);
  handed_over_ = parked == Lot::Parked::kParked || parked == Lot::Parked::kGone;
  if (!handed_over_ && connection_.stream == nullptr) front_.give_back_places(connection_);
  return handed_over_ ? Park::kParked : Park::kNotParked;
}

void Exchange::open_stream(Holder& holder, std::string_view key, Waiter::Terms terms,
                           std::unique_ptr<Stream> stream, const httplib::Response& head,
                           std::string_view begin) {
  connection_.holder = &holder;
  connection_.key = key;
  connection_.parked_on = holder.parked_on(key);
  connection_.terms = std::move(terms);
  connection_.stream = std::move(stream);
  count(front_.metrics_.streams_open[static_cast<std::size_t>(connection_.parked_on)]);
  std::string text;
  append_stream_head(text, head, further_fields());
  send_laid_out(head.status, text.append(begin), nullptr, {}, holder.log_path(key));
}

void Exchange::send_stream_head(const httplib::Response& head, LogPath path) {
  std::string text;
  append_stream_head(text, head, further_fields());
  send_laid_out(head.status, text, nullptr, {}, path);
}

void Exchange::write(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                     std::string_view body, std::string_view tail) {
  transmit(text, owner, body, tail);
}

void Exchange::end_stream(Stream::End why, std::string text,
                          const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                          std::string tail) {
  connection_.stream->append_end(owner == nullptr ? text : tail, why);
  write(text, owner, body, tail);
  front_.drop_stream(connection_);
  connection_.facts.close = true;
  front_.give_back_places(connection_);
}

}  // namespace bide
