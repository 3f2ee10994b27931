#include "server/web_socket_stream.h"

#include <rapidjson/document.h>

namespace bide {
namespace {

// Iterative and checking UTF-8: RapidJSON's defaults recurse and do not (a client may nest 64 KiB
// of brackets).
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// `{"auth":"<token>"}`, and nothing more. Without authentication every token is as good as none.
bool is_auth_message(std::string_view message) {
  rapidjson::Document document;
  document.Parse<kFlags>(message.data(), message.size());
  if (document.HasParseError() || !document.IsObject() || document.MemberCount() != 1) return false;
  const auto& member = *document.MemberBegin();
  return member.name == "auth" && member.value.IsString();
}

CloseCode code_of(Stream::End why) {
  switch (why) {
    case Stream::End::kOver:
      return CloseCode::kNormal;
    case Stream::End::kDrain:
      return CloseCode::kGoingAway;
    case Stream::End::kTrouble:
      return CloseCode::kTryAgainLater;
    case Stream::End::kProtocol:
      break;
  }
  return CloseCode::kProtocolError;
}

std::string_view reason_of(Stream::End why) {
  switch (why) {
    case Stream::End::kOver:
      return "over";
    case Stream::End::kDrain:
      return "the server is shutting down; connect again";
    case Stream::End::kTrouble:
      return "no fresh state or no room just now; connect again later";
    case Stream::End::kProtocol:
      break;
  }
  return "";
}

}  // namespace

void WebSocketStream::wrap(const Record& record, std::string& head, std::string& tail) const {
  std::string text = "{\"event\":\"";
  text += record.event;
  if (record.tag != nullptr) {
    text += "\",\"id\":\"";
    append_opaque_tag(text, *record.tag);
  }
  text += "\",\"data\":";
  constexpr std::string_view kRecordEnd = "}";
  WebSocket::append_text_head(head, text.size() + record.data.size() + kRecordEnd.size());
  head += text;
  tail += kRecordEnd;
}

void WebSocketStream::append_end(std::string& out, End why) {
  // Where the client has closed or broken the rules, that is said already.
  socket_.append_close(out, code_of(why), reason_of(why));
}

bool WebSocketStream::append_heartbeat(std::string& out) {
  const bool speaks = !socket_.is_idle();
  if (pinged_ || (speaking_ && speaks)) return false;
  pinged_ = true;
  speaking_ = speaks;
  socket_.append_ping(out);
  return true;
}

bool WebSocketStream::receive(std::string_view bytes, std::string& out) {
  const auto on_message = [&](std::string_view message, bool binary) {
    if (!binary && is_auth_message(message)) return;
    socket_.append_close(out, CloseCode::kPolicyViolation,
                         "expected a text message {\"auth\":\"<token>\"}, and nothing else");
  };
  pinged_ = false;
  return socket_.receive(bytes, out, on_message) == WebSocket::State::kOpen;
}

}  // namespace bide
