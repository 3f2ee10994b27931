#include "client/bucket_reporter.h"

#include <utility>

namespace bide {
namespace {

WriteReply failure_of(BucketError error) {
  if (error.kind == BucketError::Kind::kNotAllowed)
    return ServerRefusal{0, std::move(error.message)};
  return Trouble{std::move(error.message), {}};
}

}  // namespace

std::optional<BucketError> BucketReporter::open() {
  if (writer_) return std::nullopt;
  auto opened = BucketWriter::open(login_, bucket_);
  if (auto* const error = std::get_if<BucketError>(&opened)) return std::move(*error);
  writer_.emplace(std::get<BucketWriter>(std::move(opened)));
  return std::nullopt;
}

WriteReply BucketReporter::send(const Report& report, std::chrono::milliseconds /*patience*/) {
  if (auto error = open()) return failure_of(*std::move(error));
  // An event's key holds its time, so a repetition finds the key taken and stores nothing.
  std::optional<BucketError> error = std::holds_alternative<NewEvent>(report.what)
                                         ? writer_->put_new(entry_of(report))
                                         : writer_->put_if_absent(entry_of(report));
  if (!error) return Stored{};
  writer_.reset();  // Its connection may be what failed. It does not reconnect.
  return failure_of(*std::move(error));
}

WriteReply BucketReporter::remove(const std::string& job_id) {
  if (auto error = open()) return failure_of(*std::move(error));
  auto removed = writer_->remove(job_id);
  if (auto* const error = std::get_if<BucketError>(&removed)) {
    writer_.reset();
    return failure_of(std::move(*error));
  }
  if (std::get<bool>(removed)) return Stored{};
  return ServerRefusal{.http_status = 0, .detail = "there is no such job", .no_such_job = true};
}

}  // namespace bide
