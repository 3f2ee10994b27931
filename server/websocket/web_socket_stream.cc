#include "server/websocket/web_socket_stream.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/base/json_object.h"
#include "core/base/json_text.h"

namespace bide {
namespace {

constexpr std::size_t kMessageDepthMax = 1;
constexpr std::size_t kHeadBytesExpected = 96;

// The token in `{"auth":"<token>"}`. nullopt: it is another message.
std::optional<std::string> token_in(std::string_view message) {
  const auto parsed = JsonObject::parse(message, {"auth"}, kMessageDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr || object->member_count() != 1) return std::nullopt;
  const JsonMember& token = (*object)["auth"];
  if (token.kind != JsonMember::Kind::kString) return std::nullopt;
  return token.text;
}

// The code and the reason of the close frame.
std::pair<CloseCode, std::string_view> close_of(Stream::End why) {
  switch (why) {
    case Stream::End::kOver:
      return {CloseCode::kNormal, "over"};
    case Stream::End::kDrain:
      return {CloseCode::kGoingAway, "the server is shutting down; connect again"};
    case Stream::End::kTrouble:
      return {CloseCode::kTryAgainLater, "no fresh state or no room just now; connect again later"};
    case Stream::End::kAuth:
      return {CloseCode::kPolicyViolation, "the token has expired"};
    case Stream::End::kProtocol:
      break;
  }
  return {CloseCode::kProtocolError, ""};
}

}  // namespace

void WebSocketStream::wrap(const Record& record, std::string& head, std::string& tail) const {
  JsonText json(kHeadBytesExpected);
  json.begin_object();
  json.member("event", record.event);
  if (record.tag != nullptr) {
    std::string id;
    append_opaque_tag(id, *record.tag);
    json.member("id", id);
  }
  json.key("data");
  const std::string text = json.take();
  constexpr std::string_view kRecordEnd = "}";
  WebSocket::append_text_head(head, text.size() + record.data_bytes + kRecordEnd.size());
  head += text;
  tail += kRecordEnd;
}

void WebSocketStream::append_end(std::string& out, End why) {
  // If the client has closed or broken the rules, a close frame was appended before.
  const auto [code, reason] = close_of(why);
  socket_.append_close(out, code, reason);
}

bool WebSocketStream::append_heartbeat(std::string& out) {
  const bool speaks = !socket_.is_idle();
  if (pinged_ || (speaking_ && speaks)) return false;
  pinged_ = true;
  speaking_ = speaks;
  socket_.append_ping(out);
  return true;
}

bool WebSocketStream::receive(std::string_view bytes, std::string& out, const OnToken& on_token) {
  const auto on_message = [&](std::string_view message, bool binary) {
    const std::optional<std::string> token = binary ? std::nullopt : token_in(message);
    if (token && on_token(*token)) return;
    if (token) {
      return socket_.append_close(out, CloseCode::kPolicyViolation, "the token is not valid here");
    }
    socket_.append_close(out, CloseCode::kPolicyViolation,
                         "expected a text message {\"auth\":\"<token>\"}, and nothing else");
  };
  pinged_ = false;
  return socket_.receive(bytes, out, on_message) == WebSocket::State::kOpen;
}

}  // namespace bide
