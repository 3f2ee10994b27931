// What a stream's client says behind the WebSocket's frames: a token is heard, or the conversation
// is over; cuts do not matter, and one close frame ends it.
//
// Input: a byte that decides the cuts and whether a token may read (bit 1); its lowest bit says
// what follows: bytes as a client sends them, or messages, one a line, to be framed and masked.
#include <string>
#include <vector>

#include "core/base/json_object.h"
#include "server/websocket/web_socket_stream.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/server/websocket/web_socket_client.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

struct Talk {
  std::vector<std::string> tokens;
  std::string out;
  bool open = true;
};

// Once it is over nobody reads on, so that pings in the same read may be answered or not.
bool is_same(const Talk& in_pieces, const Talk& whole) {
  if (in_pieces.tokens != whole.tokens || in_pieces.open != whole.open) return false;
  return whole.open ? in_pieces.out == whole.out : whole.out.starts_with(in_pieces.out);
}

Talk talk(const std::vector<std::string_view>& reads, bool may_read) {
  Talk result;
  WebSocketStream stream;
  const auto note = [&](std::string_view token) {
    demand(may_read || result.tokens.empty(), "nothing is heard after a token that may not read");
    result.tokens.emplace_back(token);
    return may_read;
  };
  for (const std::string_view read : reads) {
    result.open = stream.receive(read, result.out, note);
    if (!result.open) break;
  }
  demand(may_read || result.tokens.empty() || !result.open, "such a token ends it");
  return result;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(take_until(text, "\n"));
  return lines;
}

void check_sent(const Talk& talk) {
  std::size_t closed = 0;
  for (const ServerFrame& frame : server_frames(talk.out)) {
    const bool close = frame.opcode == Opcode::kClose;
    demand(frame.fin && (close || frame.opcode == Opcode::kPong), "pongs and a close frame");
    closed += close ? 1 : 0;
  }
  demand(closed == (talk.open ? 0 : 1), "it does not end without a word, nor with two");
}

// A message is a token if its only member is `auth`, by another way to look at it.
bool is_token(std::string_view message) {
  const auto members = split_json_object(message);
  return members.size() == 1 && members[0].value.starts_with('"');
}

void check_messages(const std::vector<std::string_view>& lines, const Talk& talk) {
  demand(talk.tokens.size() <= lines.size(), "a message is one token at most");
  for (std::size_t i = 0; i < talk.tokens.size(); ++i) {
    demand(is_token(lines[i]), "what is heard was said");
    demand(talk.tokens[i].size() <= lines[i].size(), "decoding does not add");
  }
  demand(!talk.open || talk.tokens.size() == lines.size(), "while it is open all was a token");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = text_of(data + 1, size - 1);
  const bool framed = (data[0] & 1U) != 0;
  const bool may_read = (data[0] & 2U) == 0;
  const std::vector<std::string_view> lines = lines_of(framed ? rest : "");
  std::string stream(framed ? "" : rest);
  for (const std::string_view line : lines) stream += client_frame(Opcode::kText, line);

  const Talk whole = talk({stream}, may_read);
  demand(is_same(talk(cut(stream, data[0]), may_read), whole), "pieces give the same as the whole");
  if (stream.size() <= 512) demand(is_same(talk(bytewise(stream), may_read), whole), "bytes, too");
  check_sent(whole);
  if (framed) check_messages(lines, whole);
  return 0;
}
