// client/report.h: What a command reports about a job.
//
// Thread safety: values; functions that may be called from any thread.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "client/reply.h"
#include "core/base/clock.h"
#include "core/job/new_entry.h"

namespace bide {

struct Report {
  std::variant<NewDefinition, NewEvent> what;
  WallTime when{};  // When it happened, not when it is sent.
  std::string key;  // The Idempotency-Key, the same for each repetition.
};
[[nodiscard]] Report report_of(NewDefinition definition);
[[nodiscard]] Report report_of(NewEvent event);
// As it is stored.
[[nodiscard]] NewEntry entry_of(const Report& report);

// Sends reports to where they are stored.
class ReportSender {
 public:
  virtual ~ReportSender() = default;
  // One attempt. Blocks for about `patience` at most. After Trouble the report may be stored or
  // not; sending it again does not store it twice. One thread at a time.
  [[nodiscard]] virtual WriteReply send(const Report& report,
                                        std::chrono::milliseconds patience) = 0;
};

// 128 random bits in hexadecimal.
[[nodiscard]] std::string new_idempotency_key();
// A UUID of version 7 (RFC 9562 section 5.7): the time in milliseconds, then 74 random bits.
[[nodiscard]] std::string new_job_id(WallTime now);
// This machine's name, which is the agent's by default.
[[nodiscard]] std::string host_name();

}  // namespace bide
