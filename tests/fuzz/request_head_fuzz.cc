// The request parser: the verdict on a stream of bytes does not depend on the cuts, and what is let
// in is what a naive second reading of the same bytes finds harmless, and as long as that finds it.
//
// Input: a byte that decides the cuts, then what a client sends.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "server/http/request_target.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/server/http1/request_parser_feed.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

bool is_control(char byte) {
  return (static_cast<unsigned char>(byte) < 0x20 && byte != '\t') || byte == 0x7F;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// What the fields say about where the request ends.
struct Framed {
  int hosts = 0, lengths = 0, codings = 0, fields = 0;
  std::string length, coding;
};

Framed read_fields(std::string_view lines) {
  Framed framed;
  while (!lines.empty()) {
    const std::string_view line = take_until(lines, "\r\n");
    const std::size_t colon = line.find(':');
    demand(colon != std::string_view::npos && colon > 0, "a field has a name and a colon");
    const std::string name = lower(line.substr(0, colon));
    demand(name.find_first_of(" \t\"(),/;<=>?@[\\]{}") == std::string::npos, "a name is a token");
    demand(std::none_of(line.begin(), line.end(), is_control), "a field is free of control bytes");
    const std::string value(trimmed(line.substr(colon + 1)));
    ++framed.fields;
    if (name == "host") ++framed.hosts;
    if (name == "content-length") ++framed.lengths, framed.length = value;
    if (name == "transfer-encoding") ++framed.codings, framed.coding = lower(value);
  }
  return framed;
}

// docs/api.md, "Limits", and RFC 9112 sections 3.2 and 6. `bytes` is what was taken for the
// request.
void check_framing(const Passed& request, std::string_view bytes, bool whole) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  const std::size_t end = bytes.find("\r\n\r\n");
  demand(end != std::string_view::npos, "a head ends with an empty line");
  const std::size_t head_bytes = end + 4;
  demand(head_bytes <= kHeadBytesMax, "a head is at most 24 KiB");
  std::string_view head = bytes.substr(0, end);
  const std::string_view line = take_until(head, "\r\n");
  const std::string begin = request.method + ' ' + request.target + " HTTP/1.";
  demand(line.starts_with(begin) && line.size() == begin.size() + 1, "the first line");
  demand(line.ends_with('0') == (request.version == "HTTP/1.0"), "higher versions are 1.1");
  demand(std::none_of(line.begin(), line.end(), is_control), "it is free of control bytes");
  const Framed framed = read_fields(head);
  const bool newer = request.version == "HTTP/1.1";
  demand(newer || request.version == "HTTP/1.0", "the version is 1.0 or 1.1");
  demand(framed.fields <= static_cast<int>(kFieldsMax), "at most 100 fields");
  demand(newer ? framed.hosts == 1 : framed.hosts <= 1, "one Host");
  demand(framed.lengths + framed.codings <= 1, "one way to tell where the body ends");
  demand(framed.codings == 0 || (newer && framed.coding == "chunked"), "the coding is chunked");

  std::size_t body_bytes = 0;
  if (framed.lengths == 1) {
    const char* const stop = framed.length.data() + framed.length.size();
    const auto read = std::from_chars(framed.length.data(), stop, body_bytes);
    demand(read.ec == std::errc() && read.ptr == stop, "the length is a number");
    demand(body_bytes <= kBodyBytesMax, "a body is at most 1 MiB");
  }
  if (framed.codings == 1) {
    demand(!whole || bytes.substr(head_bytes).ends_with("\r\n\r\n") || bytes.ends_with("0\r\n\r\n"),
           "a chunked body ends with an empty line");
  } else {
    demand(!whole || bytes.size() == head_bytes + body_bytes, "a request ends where it says");
  }
}

void check_admitted(const Passed& request) {
  demand(!request.method.empty() && request.method.size() <= kMethodBytesMax, "a method's length");
  demand(!request.target.empty() && request.target.size() <= kTargetBytesMax, "a target's length");
  demand(request.path == "*" || request.path.starts_with('/'), "a path begins with a slash");
  demand(request.path.find_first_of("?#") == std::string::npos, "a path has no query");
  demand(normalized_path(request.path) == request.path, "a path is normalized once and for all");
  demand(request.path.size() <= request.target.size() + 1, "which makes it no longer");
  for (const auto& [name, value] : request.headers) {
    demand(std::none_of(value.begin(), value.end(), is_control), "values have no control bytes");
    demand(trimmed(value) == value, "values are trimmed");
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : request.params) bytes += name.size() + value.size();
  demand(bytes <= request.target.size(), "parameters are not longer than their query");
}

// Drives the request parser with all of `stream` at once; each request with the bytes taken for it.
void check_requests(std::string_view stream) {
  Progress progress;
  http::Request request;
  while (!stream.empty()) {
    const Step step = advance(stream, progress, request);
    if (step.need != Step::Need::kComplete) return;
    demand(step.consumed_bytes > 0 && step.consumed_bytes <= stream.size(), "it goes forward");
    const Passed let_in = admitted(request);
    check_admitted(let_in);
    check_framing(let_in, stream.substr(0, step.consumed_bytes), true);
    stream.remove_prefix(step.consumed_bytes);
    request = {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream = text_of(data + 1, size - 1);
  const Feeding whole = feed(stream);
  demand(whole.buffer_peak <= kHeadBytesMax, "a connection keeps at most a head");
  demand(feed(cut(stream, data[0])).same_verdict(whole), "pieces give the same as the whole");
  if (stream.size() <= 512) demand(feed_bytewise(stream).same_verdict(whole), "bytes, too");
  check_requests(stream);
  return 0;
}
