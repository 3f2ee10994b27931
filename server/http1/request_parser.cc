#include "server/http1/request_parser.h"

#include <string>
#include <utility>

#include "server/http/field_syntax.h"
#include "server/http/request_target.h"
#include "server/http1/framing.h"

namespace bide {
namespace {

constexpr std::string_view kHttp10 = "HTTP/1.0";
constexpr std::string_view kHttp11 = "HTTP/1.1";

Step reject(const Refusal& refusal) {
  Step step;
  step.need = Step::Need::kReject;
  step.status = refusal.status;
  step.detail = refusal.detail;
  return step;
}

// Walks over what is new of the head. progress.head_bytes is set when it is complete.
Refusal scan_head(std::string_view input, Progress& progress) {
  FieldSectionScan& fields = progress.fields;
  if (!progress.line.done()) {
    if (const Refusal refusal = scan_request_line(input, progress.line)) return refusal;
    if (!progress.line.done()) return {};
    fields.bytes = progress.line.bytes;
  }
  const Taken taken = scan_fields(input.substr(fields.bytes), fields);
  if (fields.done()) progress.head_bytes = fields.bytes;
  return taken.refusal;
}

// Takes the next line off a head that has been scanned: every CR is a line end there.
std::string_view take_line(std::string_view& head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  head.remove_prefix(line.size() + 2);
  return line;
}

Refusal fill_request_line(std::string_view line, RequestTarget& target, http::Request& out) {
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  const std::string_view method = line.substr(0, method_end);
  const std::string_view raw_target = line.substr(method_end + 1, target_end - method_end - 1);
  out.version.assign(line.ends_with(".0") ? kHttp10 : kHttp11);
  return take_target(method, raw_target, target, out);
}

template <typename Take>
void for_each_field(std::string_view lines, Take&& take) {
  for (std::string_view line = take_line(lines); !line.empty(); line = take_line(lines)) {
    const std::size_t colon = line.find(':');
    take(line.substr(0, colon), trim_ows(line.substr(colon + 1)));
  }
}

// `authority`: the target's, or nothing.
void fill_fields(std::string_view lines, std::string_view authority, Framing& framing,
                 http::Request& out) {
  out.headers.clear();
  bool wants_host = false;
  for_each_field(lines, [&](std::string_view name, std::string_view value) {
    framing.note(name, value);
    if (!is_kept(name)) return;
    out.headers.emplace(name, value);
    wants_host =
        wants_host || equals_ignoring_case(name, "Upgrade") || equals_ignoring_case(name, "Origin");
  });
  if (!wants_host) return;
  for_each_field(lines, [&](std::string_view name, std::string_view value) {
    const bool foreign = !authority.empty() && equals_ignoring_case(name, "Host");
    if (is_kept_with_host(name)) out.headers.emplace(name, foreign ? authority : value);
  });
}

// Makes the request of a complete head, and finds its host and the body that follows.
Refusal admit(std::string_view head, http::Request& out, BodyScan& body,
              std::optional<std::string_view>& host, bool& wants_continue) {
  std::string_view line = take_line(head);
  if (line.empty()) line = take_line(head);  // The one empty line that may come first.
  RequestTarget target;
  if (const Refusal refusal = fill_request_line(line, target, out)) return refusal;
  out.body.clear();
  Framing framing;
  fill_fields(head, target.authority, framing, out);
  host = target.authority.empty() ? framing.host() : std::optional(target.authority);
  const bool http_1_0 = out.version == kHttp10;
  if (const Refusal refusal = framing.judge(http_1_0, body)) return refusal;
  wants_continue = !body.done() && framing.expects_continue(http_1_0);
  return {};
}

// `head` may begin with the one empty line.
bool takes_body(std::string_view head) {
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  return takes_content(head.substr(0, head.find(' ')));
}

// The head is complete: walks over what is new of the body.
Step pass_body(std::string_view input, Progress& progress, bool wants_continue) {
  const std::string_view fresh = input.substr(progress.head_bytes);
  std::string* const content = takes_body(input) ? &progress.content : nullptr;
  const Taken taken = scan_body(fresh, progress.body, progress.fields, content);
  if (taken.refusal) return reject(taken.refusal);
  Step step;
  if (!progress.body.done()) {
    step.keep_bytes = progress.head_bytes;
    step.wants_continue = wants_continue && fresh.empty();
    return step;
  }
  step.need = Step::Need::kComplete;
  step.keep_bytes = progress.head_bytes;
  step.consumed_bytes = progress.head_bytes + taken.bytes;
  return step;
}

}  // namespace

Step advance(std::string_view input, Progress& progress, http::Request& out) {
  const bool was_bulk = progress.head_bytes != 0 && progress.body.done();
  bool wants_continue = false;
  bool admitted = false;
  std::optional<std::string_view> host;
  if (progress.head_bytes == 0) {
    if (const Refusal refusal = scan_head(input, progress)) return reject(refusal);
    if (progress.head_bytes == 0) {
      Step step;
      step.keep_bytes = input.size();
      return step;
    }
    const std::string_view head = input.substr(0, progress.head_bytes);
    if (const Refusal refusal = admit(head, out, progress.body, host, wants_continue)) {
      return reject(refusal);
    }
    admitted = true;
  }
  Step step = pass_body(input, progress, wants_continue);
  if (step.need != Step::Need::kComplete) return step;
  if (!was_bulk && progress.content.size() > kContentBytesBeforeBulk) {
    step.need = Step::Need::kBulk;
    return step;
  }
  if (!admitted) {
    // The body came in more than one read, and `out` has served other connections since.
    BodyScan judged;
    const Refusal none =
        admit(input.substr(0, progress.head_bytes), out, judged, host, wants_continue);
    if (none) return reject(none);
  }
  step.host = host;
  // The memory that `out` had goes: a Progress that is kept must not hold it.
  out.body = std::exchange(progress, {}).content;
  return step;
}

bool keep_alive(const http::Request& request) {
  constexpr std::string_view kConnection = "Connection";
  bool wanted = request.version != kHttp10;
  const auto [first, last] = field_lines(request.headers, kConnection);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (const auto option = next_part(rest, ',')) {
      if (equals_ignoring_case(*option, "close")) return false;
      if (equals_ignoring_case(*option, "keep-alive")) wanted = true;
    }
  }
  return wanted;
}

}  // namespace bide
