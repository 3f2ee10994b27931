#include "client/bucket_reporter.h"

#include <utility>

namespace bide {
namespace {

WriteReply failure_of(BucketError error) {
  if (error.kind == BucketError::Kind::kNotAllowed) return Refusal{0, std::move(error.message)};
  return Trouble{std::move(error.message), {}};
}

}  // namespace

WriteReply BucketReporter::send(const Report& report, std::chrono::milliseconds /*patience*/) {
  if (!writer_) {
    auto opened = BucketWriter::open(login_, bucket_);
    if (auto* const error = std::get_if<BucketError>(&opened)) return failure_of(std::move(*error));
    writer_.emplace(std::get<BucketWriter>(std::move(opened)));
  }
  // An event's key holds its time, so a repetition finds the key taken and stores nothing.
  std::optional<BucketError> error = std::holds_alternative<NewEvent>(report.what)
                                         ? writer_->put_new(entry_of(report))
                                         : writer_->put_if_absent(entry_of(report));
  if (!error) return Stored{};
  writer_.reset();  // Its connection may be what failed. It does not reconnect.
  return failure_of(*std::move(error));
}

}  // namespace bide
