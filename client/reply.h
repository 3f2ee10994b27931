// client/reply.h: A client's question about one job, or what it writes, and the possible replies.
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

// Answers contain values of workers, and a problem document may contain the job.
inline constexpr std::size_t kAnswerDepthMax = kJsonDepthMax + 8;

struct Question {
  std::string until;                  // The query's `until`; empty: left out.
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

// bide understood the request and refuses it. Asking again would give the same reply.
struct ServerRefusal {
  int http_status = 0;  // 0: no response, because the certificate cannot be verified.
  std::string detail;
  bool no_such_job = false;  // A 404 may also be about the path.
};

// A write is stored.
struct Stored {};

// Nothing is known about the job, and asking again may help. Responses that are not from bide count
// as trouble, too, except 401 and 403: a proxy whose backend is being replaced returns 404, and a
// captive portal returns 200.
struct Trouble {
  std::string what;
  std::chrono::milliseconds retry_after{0};  // The server's Retry-After; zero: none.
};

using Reply = std::variant<Answer, ServerRefusal, Trouble>;
using WriteReply = std::variant<Stored, ServerRefusal, Trouble>;

// The parts of an HTTP response that interpret() needs.
struct RawReply {
  int http_status = 0;
  std::string job_status;  // Bide-Status.
  std::string job_final;   // Bide-Final.
  std::string outcome;     // Bide-Outcome.
  std::string etag;
  std::string retry_after;  // Retry-After, seconds; its date form is ignored.
  std::string location{};   // Location.
  std::string cure{};       // What to do if it is a refusal; empty: the detail says it.
  std::string body;
};

[[nodiscard]] Reply interpret(RawReply raw);
// The same for the answer to a write. A 204 without any field of bide's is its answer to a DELETE.
[[nodiscard]] WriteReply interpret_write(const RawReply& raw);

// A JSON object that is not about one job: a page of the list, the statistics, several jobs.
struct Document {
  std::string body;
  std::string etag;
};
using DocumentReply = std::variant<Document, ServerRefusal, Trouble>;
[[nodiscard]] DocumentReply interpret_document(RawReply raw);

// Sends questions about one job and returns the replies.
class JobSource {
 public:
  virtual ~JobSource() = default;
  // Blocks until there is a reply, for about question.patience at most. One thread at a time.
  [[nodiscard]] virtual Reply ask(const Question& question) = 0;
  // May be called from any thread. Makes a running ask() return Trouble. It does not affect an
  // ask() that is about to begin, so to end a thread, call this until the thread has ended.
  virtual void cancel() = 0;
};

}  // namespace bide
