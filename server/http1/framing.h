// server/http1/framing.h: Judges the fields that say where a request ends and which host it is for.
// It is strict, because servers have read each of them differently, and attackers have used the
// difference to smuggle a second request past the first server (RFC 9112 sections 3.2, 6 and 11.2).
//
// Thread safety: none needed; used within one call.
#pragma once

#include <optional>
#include <string_view>

#include "server/http/refusal.h"
#include "server/http1/body_scan.h"

namespace bide {

class Framing {
 public:
  // To be called for every field of the head, in order. The views must outlive the object.
  void note(std::string_view name, std::string_view value);

  // Once all fields are noted. 400: Host missing (HTTP/1.1), doubled or malformed; Content-Length
  // doubled or not a number; with Transfer-Encoding; Transfer-Encoding malformed, doubled, with
  // `chunked` twice or not last, or in HTTP/1.0. 413: Content-Length over kBodyBytesMax. 417: an
  // expectation other than 100-continue. 501: any other transfer coding than `chunked` (RFC 9112
  // section 6.1). On success `body` is what follows the head.
  [[nodiscard]] Refusal judge(bool http_1_0, BodyScan& body) const;

  // The client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
  [[nodiscard]] bool expects_continue(bool http_1_0) const { return expects_ && !http_1_0; }

  // The value of Host; nullopt: there is no such field.
  [[nodiscard]] std::optional<std::string_view> host() const {
    return host_.lines == 0 ? std::nullopt : std::optional(host_.value);
  }

 private:
  struct Field {
    int lines = 0;
    std::string_view value;  // Of the last line.
    void note(std::string_view line) {
      ++lines;
      value = line;
    }
  };
  [[nodiscard]] Refusal judge_host(bool http_1_0) const;
  [[nodiscard]] Refusal judge_length(BodyScan& body) const;
  [[nodiscard]] Refusal judge_coding(bool http_1_0) const;
  void note_expectations(std::string_view value);

  Field host_, length_, coding_;
  bool expects_ = false;
  bool expects_more_ = false;  // Another one than 100-continue.
};

}  // namespace bide
