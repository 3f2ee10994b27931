#include "server/net/exchange.h"

#include <utility>

#include "server/net/front.h"
#include "server/net/protocol.h"

namespace bide {

// --- Its client -------------------------------------------------------------------------------

std::uint64_t Exchange::client() const noexcept {
  return facts_.client != 0 ? facts_.client : connection_.client_address.client();
}

const ClientAddress& Exchange::client_address() const { return connection_.client_address; }

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

void Exchange::send_whole(const http::Response& response,
                          const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                          std::string_view tail, LogPath path) {
  std::string text;
  const Message whole{response.body, owner.get(), body, tail};
  const bool has_body =
      connection_.front->protocol().append_head(text, response, whole.bytes(), *this);
  if (has_body) {
    text += response.body;
  } else {
    body = tail = {};
  }
  note_response(response.status, Message{text, owner.get(), body, tail}.bytes(), path);
  transmit(text, owner, body, tail);
}

void Exchange::send_laid_out(int status, std::string_view text,
                             const std::shared_ptr<const Snapshot>& owner, std::string_view body) {
  note_response(status, Message{text, owner.get(), body, {}}.bytes(), log_path());
  transmit(text, owner, body, {});
}

void Exchange::transmit(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                        std::string_view body, std::string_view tail) {
  turn_->sent_bytes += Message{text, owner.get(), body, tail}.bytes();
  ++turn_->sent_pieces;
  connection_.front->sender().send(connection_, text, owner, body, tail);
}

void Exchange::note_response(int status, std::size_t bytes, LogPath path) {
  Front& front = *connection_.front;
  count(front.metrics().mine().responses[static_cast<std::size_t>(status / 100)]);
  front.access_logger().response(*this, status, bytes, path);
}

Parked Exchange::park(Stage stage, Look& look) {
  Turn& turn = *turn_;
  stage_ = stage;
  parked_on_ = resource_->parked_on(target_);
  const Parked parked = connection_.front->protocol().park(*this, look);
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
  front.protocol().append_stream_head(text, head, *this);
  send_laid_out(head.status, text.append(first), nullptr, {});
}

void Exchange::send_stream_head() {
  facts_.close = true;
  const http::Response head = stream_->take_head();
  std::string text;
  connection_.front->protocol().append_stream_head(text, head, *this);
  send_laid_out(head.status, text, nullptr, {});
}

void Exchange::write(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                     std::string_view body, std::string_view tail) {
  transmit(text, owner, body, tail);
}

bool Exchange::stuck() const { return connection_.unsent != nullptr || connection_.broken; }

void Exchange::end_stream(Stream::End why, std::string text,
                          const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                          std::string tail) {
  stream_->append_end(owner == nullptr ? text : tail, why);
  write(text, owner, body, tail);
  drop_stream();
  facts_.close = true;
  give_back_places();
}

// --- For the protocol -------------------------------------------------------------------------

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
  connection_.front->protocol().answer(*this, outcome, snapshot);
}

void Exchange::lose() noexcept { connection_.front->protocol().lose(*this); }

}  // namespace bide
