// core/job/snapshot.h: The representations of one job, or of a collection of jobs, at one revision:
// rendered once and shared by all receivers.
//
// Thread safety: immutable after construction, may be shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/entity_tag.h"
#include "core/job/labels.h"
#include "core/job/status.h"

namespace bide {

class Job;
class PatchChain;

enum class MediaType : std::uint8_t { kJson, kText };

struct Representation {
  std::string bytes;
  EntityTag tag;
  // `"…"`, the value of the ETag field.
  [[nodiscard]] std::string etag() const { return '"' + opaque_tag(tag) + '"'; }
};

struct Snapshot {
  std::string job_id;  // Empty if made of several jobs; then there is no text either.
  Labels labels;       // The job's.
  Status status{};
  bool final = false;
  // The job has not succeeded, but may still: an agent is at work, or the retry grace is not over.
  bool undecided = false;
  bool in_grace = false;  // When rendered.
  // Made of all jobs (core/table/collection.h): has no status and is never final.
  bool collection = false;
  // For a set of jobs (core/table/job_set.h): a bit (1 << Status) for each status among them.
  // Undecided jobs count as processing.
  std::uint8_t job_statuses = 0;
  Representation json;
  // The JSON on one line, for streams whose records are lines. Empty if json.bytes is on one line.
  std::string json_line;
  Representation text;  // The status word and a newline. Its tag moves only when the status does.
  // The jobs of a page or a set. Their JSON belongs into json.bytes at offset `items_at`, separated
  // by commas. It is not copied there, so that all lists share the snapshot of a job.
  std::vector<std::shared_ptr<const Snapshot>> items;
  Revision next = 0;  // For a page: its cursor (PageQuery::below) for the next one. 0: none.
  std::size_t items_at = 0;
  std::size_t items_bytes = 0;  // Including the commas.
  // The patches that lead to this state (core/job/patch.h). Null: nobody follows the job with them.
  std::shared_ptr<const PatchChain> chain;

  [[nodiscard]] const Representation& as(MediaType type) const {
    return type == MediaType::kJson ? json : text;
  }
  // Content-Length.
  [[nodiscard]] std::size_t size_of(MediaType type) const {
    return as(type).bytes.size() + (type == MediaType::kJson ? items_bytes : 0);
  }
  // The whole JSON from byte `from` on, as pieces that live as long as this snapshot.
  void append_json(std::vector<std::string_view>& pieces, std::size_t from = 0) const;
  // The validator under which the client knows this state, for a 304: the current tag, or for a
  // collection the tag in `seen` that names the same bytes. Null: the client does not know it.
  [[nodiscard]] const EntityTag* known_as(const ValidatorList& seen, MediaType type) const;
};

// The hash in the entity tag of the text.
[[nodiscard]] std::uint64_t text_hash_of(Status status);

// As in core/job/representation.h.
[[nodiscard]] std::string render_json(const Job& job, bool final);

}  // namespace bide
