#include "server/api/state_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "server/http/cross_origin.h"
#include "server/http/http_date.h"
#include "server/http/response_head.h"

namespace bide {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

// `1.204`
void append_seconds(std::string& out, std::chrono::milliseconds duration) {
  const auto ms = static_cast<std::size_t>(std::max<std::int64_t>(duration.count(), 0));
  append_number(out, ms / 1000);
  out += '.';
  const std::size_t rest = ms % 1000;
  for (const std::size_t digit : {rest / 100, rest / 10 % 10, rest % 10}) {
    out += static_cast<char>('0' + digit);
  }
}

void append_holding(std::string& out, const RequestFacts& facts, std::chrono::milliseconds waited) {
  out += "Bide-Waited: ";
  append_seconds(out, waited);
  out += "\r\n";
  if (facts.clamped) {
    out += "Bide-Max-Wait: ";
    append_seconds(out, std::chrono::milliseconds(facts.wait_ms));
    out += "\r\n";
  }
  if (facts.preferred) {
    out += "Preference-Applied: wait=";
    append_number(out, facts.wait_ms / 1000);
    out += "\r\n";
  }
}

}  // namespace

void append_state_head(std::string& out, const Snapshot& snapshot, MediaType type,
                       const EntityTag* known_as, Outcome outcome, const RequestFacts& facts,
                       std::chrono::milliseconds waited, std::string_view further) {
  const Representation& representation = snapshot.as(type);
  const bool known = known_as != nullptr;
  out += known           ? "HTTP/1.1 304 Not Modified\r\nDate: "
         : facts.created ? "HTTP/1.1 201 Created\r\nDate: "
                         : "HTTP/1.1 200 OK\r\nDate: ";
  out += http_date_now();
  if (!known) {
    out += type == MediaType::kJson ? "\r\nContent-Type: application/json\r\nContent-Length: "
                                    : "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                      "Content-Length: ";
    append_number(out, facts.minimal ? 0 : snapshot.size_of(type));
  }
  if (facts.minimal) out += "\r\nPreference-Applied: return=minimal";
  out += "\r\nETag: \"";
  append_opaque_tag(out, known ? *known_as : representation.tag);
  out += "\"\r\nCache-Control: private, no-cache, no-transform\r\nVary: Accept, Prefer\r\n";
  if (!snapshot.collection) {
    out += "Bide-Status: ";
    out += word_of(snapshot.status);
    out += snapshot.final ? "\r\nBide-Final: true\r\n" : "\r\nBide-Final: false\r\n";
  }
  out += "Bide-Outcome: ";
  out += word_of(outcome);
  out += "\r\n";
  if (facts.held) append_holding(out, facts, waited);
  out += further;
  if (outcome == Outcome::kShed) out += "Retry-After: 1\r\n";
  out += kNoSniffing;
  out += facts.cross_origin != nullptr ? std::string_view(*facts.cross_origin) : kSameOriginOnly;
  if (facts.close) {
    out += "Connection: close\r\n";
  } else if (facts.http10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

void set_outcome(http::Response& response, Outcome outcome, const RequestFacts& facts,
                 TimePoint::duration waited) {
  std::string seconds;
  append_seconds(seconds, std::chrono::duration_cast<std::chrono::milliseconds>(waited));
  response.set_header("Bide-Outcome", std::string(word_of(outcome)));
  response.set_header("Bide-Waited", seconds);
  if (facts.clamped) {
    seconds.clear();
    append_seconds(seconds, std::chrono::milliseconds(facts.wait_ms));
    response.set_header("Bide-Max-Wait", seconds);
  }
  if (facts.preferred) {
    response.set_header("Preference-Applied", "wait=" + std::to_string(facts.wait_ms / 1000));
  }
  if (outcome == Outcome::kShed) response.set_header("Retry-After", "1");
}

}  // namespace bide
