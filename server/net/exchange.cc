#include "server/net/exchange.h"

#include <utility>

#include "server/http/cross_origin.h"
#include "server/net/front.h"
#include "server/net/protocol.h"

namespace bide {

// --- Its client -------------------------------------------------------------------------------

std::uint64_t Exchange::client() const noexcept {
  return facts_.client != 0 ? facts_.client : address.client();
}

void Exchange::charge() {
  ClientAccounts& accounts = connection_.front->accounts();
  if (accounts.limits().per_second == 0) return;
  facts_.over_rate = !accounts.charge(client(), facts_.received);
}

bool Exchange::take_places(std::uint16_t places) {
  ClientAccounts& accounts = connection_.front->accounts();
  if (accounts.limits().places == 0 || facts_.places != 0) return true;
  if (!accounts.take(ClientAccounts::Share::kPlaces, client(), places)) return false;
  facts_.places = places & RequestFacts::kPlacesMax;
  return true;
}

void Exchange::give_back_places() {
  if (facts_.places == 0) return;
  connection_.front->accounts().give_back(ClientAccounts::Share::kPlaces, client(), facts_.places);
  facts_.places = 0;
}

bool Exchange::unread_full(std::size_t body_bytes) {
  return connection_.front->unread().is_full(client(), body_bytes);
}

// --- One response -----------------------------------------------------------------------------

void Exchange::send(const http::Response& response, LogPath path) {
  send_whole(response, nullptr, {}, {}, path);
}

void Exchange::send_around(const http::Response& response,
                           const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                           std::string_view tail) {
  send_whole(response, owner, body, tail, log_path());
}

Delivery Exchange::delivery() const {
  return {.head_only = facts_.head,
          .http_1_0 = facts_.http10,
          .close = facts_.close,
          .further_fields = facts_.cross_origin == nullptr
                                ? kSameOriginOnly
                                : std::string_view(*facts_.cross_origin)};
}

void Exchange::send_whole(const http::Response& response,
                          const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                          std::string_view tail, LogPath path) {
  std::string text;
  const Message whole{response.body, owner.get(), body, tail};
  append_head(text, response, whole.bytes(), delivery());
  if (has_body(response.status, delivery())) {
    text += response.body;
  } else {
    body = tail = {};
  }
  const Message message{text, owner.get(), body, tail};
  note_response(response.status, message.bytes(), path);
  transmit(message, owner, true);
}

void Exchange::send_laid_out(int status, std::string_view text,
                             const std::shared_ptr<const Snapshot>& owner, std::string_view body) {
  const Message message{text, owner.get(), body, {}};
  note_response(status, message.bytes(), log_path());
  transmit(message, owner, !streaming_);
}

void Exchange::transmit(const Message& message, const std::shared_ptr<const Snapshot>& owner,
                        bool last) {
  turn_->sent_bytes += message.bytes();
  ++turn_->sent_pieces;
  protocol().transmit(*this, message, owner, last);
}

void Exchange::note_response(int status, std::size_t bytes, LogPath path) {
  Front& front = *connection_.front;
  HttpTally& mine = front.metrics().mine();
  auto& responses = facts_.http2 ? mine.http2_responses : mine.responses;
  count(responses[static_cast<std::size_t>(status / 100)]);
  front.access_logger().response(*this, status, bytes, path);
}

Parked Exchange::park(Stage stage, Look& look) {
  Turn& turn = *turn_;
  stage_ = stage;
  parked_on_ = resource_->parked_on(target_);
  const Parked parked = protocol().park(*this, look);
  turn.handed_over = was_handed_over(parked);
  if (!turn.handed_over && !streaming_) give_back_places();
  return parked;
}

// --- A response that goes on ------------------------------------------------------------------

void Exchange::open_stream(const http::Response& head, std::string_view first) {
  parked_on_ = resource_->parked_on(target_);
  streaming_ = true;
  Front& front = *connection_.front;
  count(front.metrics().streams_open[static_cast<std::size_t>(parked_on_)]);
  std::string text;
  append_stream_head(text, head, delivery().further_fields);
  send_laid_out(head.status, text.append(first), nullptr, {});
}

void Exchange::send_stream_head() {
  facts_.close = true;
  const http::Response head = stream_->take_head();
  std::string text;
  append_stream_head(text, head, delivery().further_fields);
  send_laid_out(head.status, text, nullptr, {});
}

void Exchange::write(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                     std::string_view body, std::string_view tail) {
  transmit({text, owner.get(), body, tail}, owner, false);
}

bool Exchange::stuck() const { return unsent != nullptr || connection_.broken; }

void Exchange::end_stream(Stream::End why, std::string text,
                          const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                          std::string tail) {
  stream_->append_end(owner == nullptr ? text : tail, why);
  transmit({text, owner.get(), body, tail}, owner, true);
  drop_stream();
  facts_.close = true;
  give_back_places();
}

// --- For the protocol -------------------------------------------------------------------------

Protocol& Exchange::protocol() const { return connection_.front->protocol_of(connection_); }

void Exchange::drop_stream() {
  if (std::exchange(streaming_, false)) {
    connection_.front->metrics().streams_open[static_cast<std::size_t>(parked_on_)].fetch_sub(
        1, std::memory_order_relaxed);
  }
  stream_.reset();
}

void Exchange::forget_request() {
  terms = {};
  resource_ = nullptr;
  target_ = {};
  only_if_.reset();
  if (!streaming_) stream_.reset();
}

bool Exchange::present(std::uint64_t ticket) const noexcept { return connection_.present(ticket); }

bool Exchange::try_claim() noexcept { return connection_.claim(ticket_); }

void Exchange::answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept {
  protocol().answer(*this, outcome, snapshot);
}

void Exchange::lose() noexcept { protocol().lose(*this); }

}  // namespace bide
