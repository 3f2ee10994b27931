// client/http_writer.h: Writes to a bide server over HTTP: definitions, events, deletions.
//
// Each write carries its Idempotency-Key, so the server stores it once, however often it is sent.
//
// Thread safety: one thread at a time.
#pragma once

#include "client/api_access.h"
#include "client/http_connection.h"
#include "client/report.h"

namespace bide {

class HttpWriter final : public ReportSender {
 public:
  explicit HttpWriter(const ApiAccess& access);

  // A definition that differs from the stored one is refused with 409.
  [[nodiscard]] WriteReply send(const Report& report, std::chrono::milliseconds patience) override;
  // One attempt to delete the job with its events and responses. `key`: as in Report.
  [[nodiscard]] WriteReply remove(const std::string& job_id, const std::string& key,
                                  std::chrono::milliseconds patience);

 private:
  WriteReply write(HttpRequest request, const std::string& key, std::chrono::milliseconds patience);

  HttpConnection connection_;
};

}  // namespace bide
