// What a snapshot of the table holds, which bide reads when it starts: whatever the bytes are, they
// are refused, or they are jobs that can be rendered, that change as jobs do, and that are the same
// when they are written and read again. The same for the file around them.
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <variant>

#include "core/job/job_bytes.h"
#include "core/table/table_loader.h"
#include "server/nats/checkpoint_file.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

std::string view_of(const Job& job) {
  if (!job.defined()) return {};
  const auto snapshot = make_snapshot(job, 1);
  return snapshot->json.bytes + snapshot->json.etag();
}

std::unique_ptr<Job> job_of(ByteReader& in) {
  auto job = std::make_unique<Job>(JobReader::read_id(in));
  return JobReader::read(in, UINT64_MAX, *job) ? std::move(job) : nullptr;
}

// Each of its entries leaves.
void empty(Job& job) {
  while (!job.empty()) {
    const std::size_t keys = job.keys();
    if (job.oldest() == UINT64_MAX) return;
    demand(job.let_go(job.oldest() + 1) <= Job::Absorbed::kUnchanged, "losses are never refused");
    demand(job.keys() < keys, "what is older leaves");
  }
}

void read_jobs(std::string_view bytes) {
  ByteReader in(bytes);
  while (!in.at_end()) {
    const auto job = job_of(in);
    if (job == nullptr) break;
    std::string written;
    append_job(written, *job);
    ByteReader again(written);
    const auto same = job_of(again);
    demand(same != nullptr && again.at_end(), "what was read can be written and read");
    demand(view_of(*same) == view_of(*job), "and is the same");
    demand(view_of(*job->frozen()) == view_of(*job), "a copy is the same");
    empty(*same);
  }
  TableLoader loader(2, 1, UINT64_MAX);
  if (!loader.read(0, bytes) || !loader.join(0) || !loader.join(1)) return;
  demand(loader.finish(0, SIZE_MAX, 0).has_value(), "without limits it fits");
}

void read_file(std::string_view bytes) {
  const int fd = ::memfd_create("checkpoint", MFD_CLOEXEC);
  demand(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memory");
  const auto opened = CheckpointReader::open(fd);
  const auto* const reader = std::get_if<CheckpointReader>(&opened);
  if (reader == nullptr) return;
  std::string content;
  for (std::size_t block = 0; block < reader->blocks(); ++block) {
    if (reader->read(block, content)) read_jobs(content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = text_of(data, size);
  bytes.starts_with("bide ") ? read_file(bytes) : read_jobs(bytes);
  return 0;
}
