// What nats_access.cc and bucket_writer.cc define, for the program that speaks HTTP only. Its
// commands have no flag of NATS, so none of them opens a bucket.
#include "client/bucket_writer.h"
#include "client/nats_access.h"

namespace bide {
namespace {

constexpr std::string_view kNone = "this program cannot speak NATS; install bide, or give --server";

}  // namespace

std::span<const Setting> nats_flags() { return {}; }

std::string_view about_writing() {
  return "It writes to a bide server over HTTP. BIDE_TOKEN holds the bearer token, if the server "
         "wants one.";
}

std::variant<NatsLogin, NoNatsAccess> find_nats_access(const Arguments& /*arguments*/) {
  return NoNatsAccess{ExitCode::kBideFailed, std::string(kNone)};
}

std::variant<std::string, Misuse> find_nats_server() { return Misuse{std::string(kNone)}; }

struct BucketWriter::Handles {};
BucketWriter::BucketWriter(BucketWriter&&) noexcept = default;
BucketWriter::~BucketWriter() = default;

std::variant<BucketWriter, BucketError> BucketWriter::open(const NatsLogin& /*login*/,
                                                           const std::string& /*bucket*/) {
  return BucketError{BucketError::Kind::kFailed, std::string(kNone)};
}

std::optional<BucketError> BucketWriter::put(const NewEntry& /*entry*/) { return std::nullopt; }
std::optional<BucketError> BucketWriter::put_new(const NewEntry& /*entry*/) { return std::nullopt; }
std::optional<BucketError> BucketWriter::put_if_absent(const NewEntry& /*entry*/,
                                                       bool* /*written*/) {
  return std::nullopt;
}
std::variant<bool, BucketError> BucketWriter::remove(const std::string& /*job_id*/) {
  return false;
}

}  // namespace bide
