// client/reply.h: What a client asks about one job, and what can come back.
//
// Thread safety: values and a pure function.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "core/job/entry_codec.h"
#include "core/job/status.h"

namespace bide {

// An answer nests a worker's values, and a problem document the job.
inline constexpr std::size_t kAnswerDepthMax = kJsonDepthMax + 8;

struct Question {
  std::string until;                  // The query's `until`; empty: leave it out.
  std::chrono::milliseconds wait{0};  // Zero: do not hold the request.
  std::string etag;                   // For If-None-Match; empty: none.
  // How long the whole exchange may take; beyond it the reply is Trouble.
  std::chrono::milliseconds patience{35'000};
};

// 200 or 304: the job's state.
struct Answer {
  bool news = true;  // 200. A 304 has no body.
  Status status{};
  bool final = false;
  std::string outcome;  // Bide-Outcome.
  std::string etag;
  std::string body;
};

// bide understood and says no; asking again gives the same.
struct Refusal {
  int http_status = 0;  // 0: it did not get that far (a certificate that does not verify).
  std::string detail;
  bool no_such_job = false;  // A 404 may also be about the path.
};

// Nothing is known about the job; asking again may help. So is every answer that is not bide's, but
// for 401 and 403: a proxy whose backend is being replaced says 404, and a captive portal 200.
struct Trouble {
  std::string what;
  std::chrono::milliseconds retry_after{0};  // What the server asked for; zero: nothing.
};

using Reply = std::variant<Answer, Refusal, Trouble>;

// An HTTP response, as far as it matters here.
struct RawReply {
  int http_status = 0;
  std::string job_status;  // Bide-Status.
  std::string job_final;   // Bide-Final.
  std::string outcome;     // Bide-Outcome.
  std::string etag;
  std::string retry_after;  // Retry-After, seconds; its date form is ignored.
  std::string body;
};

[[nodiscard]] Reply interpret(RawReply raw);

// Where replies come from.
class JobSource {
 public:
  virtual ~JobSource() = default;
  // Blocks until there is a reply, at most about question.patience. One thread at a time.
  [[nodiscard]] virtual Reply ask(const Question& question) = 0;
  // From any thread: ends the ask() that is running now with Trouble. An ask() that is about to
  // begin may be missed, so whoever wants to end a thread calls this until it has ended.
  virtual void cancel() = 0;
};

}  // namespace bide
