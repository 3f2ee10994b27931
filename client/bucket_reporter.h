// client/bucket_reporter.h: Sends reports and deletions straight to the bucket, over NATS.
//
// Thread safety: one thread at a time.
#pragma once

#include <optional>
#include <string>

#include "client/bucket_writer.h"
#include "client/report.h"

namespace bide {

class BucketReporter final : public ReportSender {
 public:
  BucketReporter(NatsLogin login, std::string bucket)
      : login_(std::move(login)), bucket_(std::move(bucket)) {}

  // Connects if there is no connection, which may take longer than `patience` (BucketWriter::open).
  // Writes a definition only if the job has none.
  [[nodiscard]] WriteReply send(const Report& report, std::chrono::milliseconds patience) override;
  // One attempt to delete the job with its events and responses.
  [[nodiscard]] WriteReply remove(const std::string& job_id);

 private:
  // Connects if there is no connection.
  [[nodiscard]] std::optional<BucketError> open();

  const NatsLogin login_;
  const std::string bucket_;
  std::optional<BucketWriter> writer_;
};

}  // namespace bide
