#include "core/job/snapshot.h"

#include <algorithm>
#include <utility>

#include "core/job/patch.h"
#include "core/job/representation.h"

namespace bide {
namespace {

// The JSON of a large job is written to memory of an estimated size, often twice what it needs. A
// client that does not read keeps many such snapshots.
constexpr std::size_t kSpareBytesMax = 65'536;

Representation represent(std::string bytes, Epoch epoch, Revision revision) {
  Representation representation;
  representation.tag = {epoch, revision, hash_of(bytes)};
  if (bytes.capacity() - bytes.size() > kSpareBytesMax) bytes.shrink_to_fit();
  representation.bytes = std::move(bytes);
  return representation;
}

std::string text_of(Status status) { return std::string(word_of(status)) + '\n'; }

// Line ends occur only between JSON tokens, because strings escape them.
std::string on_one_line(std::string_view json) {
  const bool lines =
      json.find('\n') != std::string_view::npos || json.find('\r') != std::string_view::npos;
  if (!lines) return {};
  std::string line(json);
  std::replace_if(
      line.begin(), line.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  return line;
}

}  // namespace

std::uint64_t text_hash_of(Status status) { return hash_of(text_of(status)); }

const EntityTag* Snapshot::known_as(const ValidatorList& seen, MediaType type) const {
  const EntityTag& current = as(type).tag;
  if (collection && !seen.any()) return seen.find_content(current);
  return seen.matches(current) ? &current : nullptr;
}

void Snapshot::append_json(std::vector<std::string_view>& pieces, std::size_t from) const {
  const auto append = [&](std::string_view piece) {
    const std::size_t skipped = std::min(from, piece.size());
    from -= skipped;
    if (skipped < piece.size()) pieces.push_back(piece.substr(skipped));
  };
  append(std::string_view(json.bytes).substr(0, items_at));
  for (const auto& item : items) {
    if (&item != &items.front()) append(",");
    append(item->json.bytes);
  }
  append(std::string_view(json.bytes).substr(items_at));
}

namespace {

std::shared_ptr<Snapshot> snapshot_of(const Job& job, const JobParts& parts, Epoch epoch,
                                      bool in_grace) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->job_id = job.id();
  snapshot->labels = job.definition().labels;
  snapshot->status = job.status();
  snapshot->final = job.final() && !in_grace;
  snapshot->in_grace = in_grace;
  snapshot->undecided = is_terminal(job.status()) && job.status() != Status::kCompleted &&
                        (in_grace || job.at_work());
  snapshot->json = represent(render_json(job, parts, snapshot->final), epoch, job.revision());
  snapshot->json_line = on_one_line(snapshot->json.bytes);
  snapshot->text = represent(text_of(job.status()), epoch, job.status_revision());
  return snapshot;
}

}  // namespace

std::string render_json(const Job& job, bool final) {
  return render_json(job, JobParts(job), final);
}

std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch, bool in_grace) {
  return snapshot_of(job, JobParts(job), epoch, in_grace);
}

std::shared_ptr<const Snapshot> make_followed_snapshot(const Job& job, Epoch epoch, bool in_grace,
                                                       const Snapshot* before) {
  const JobParts parts(job);
  std::shared_ptr<Snapshot> snapshot = snapshot_of(job, parts, epoch, in_grace);
  if (before == nullptr || before->chain == nullptr) {
    snapshot->chain = std::make_shared<const PatchChain>(outline_of(job, parts));
    return snapshot;
  }
  const EntityTag& from = before->json.tag;
  if (from == snapshot->json.tag) {
    snapshot->chain = before->chain;
    return snapshot;
  }
  const PatchBase base{from.revision, before->status, before->final, before->chain->outline()};
  Patch patch{from, write_patch(job, parts, snapshot->final, base)};
  snapshot->chain = std::make_shared<const PatchChain>(
      outline_of(job, parts), *before->chain, std::move(patch), snapshot->json.bytes.size());
  return snapshot;
}

}  // namespace bide
