// core/job/snapshot.h: The representations of one job, or of a collection of jobs, at one revision:
// rendered once and shared by everybody who gets them.
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
#include "core/job/status.h"

namespace bide {

class Job;

enum class MediaType : std::uint8_t { kJson, kText };

struct Representation {
  std::string bytes;
  EntityTag tag;
  // `"…"`, as the ETag field carries it.
  [[nodiscard]] std::string etag() const { return '"' + opaque_tag(tag) + '"'; }
};

struct Snapshot {
  std::string job_id;  // Empty for what is made of several jobs, which has no text either.
  Status status{};
  bool final = false;
  // It has not succeeded, and what is delivered again may change that: an agent is at work, or its
  // retry grace is not over.
  bool undecided = false;
  bool in_grace = false;  // When rendered.
  // Made of all jobs (core/table/collection.h): has no status and is never final.
  bool collection = false;
  // Of a set of jobs (core/table/job_set.h): a bit (1 << Status) for each status among them; those
  // that are undecided count as processing.
  std::uint8_t job_statuses = 0;
  Representation json;
  // The JSON on one line, for roads whose records are lines; empty where it is on one already.
  std::string json_line;
  Representation text;  // The status word and a newline. Its tag moves only when the status does.
  // The jobs of a page or a set. Their JSON belongs into json.bytes behind the first `items_at`
  // bytes, separated by commas. It is not copied there: all lists that contain a job share its
  // snapshot.
  std::vector<std::shared_ptr<const Snapshot>> items;
  std::size_t items_at = 0;
  std::size_t items_bytes = 0;  // With the commas.

  [[nodiscard]] const Representation& as(MediaType type) const {
    return type == MediaType::kJson ? json : text;
  }
  // Content-Length.
  [[nodiscard]] std::size_t size_of(MediaType type) const {
    return as(type).bytes.size() + (type == MediaType::kJson ? items_bytes : 0);
  }
  // The whole JSON from its byte `from` on, in pieces that live as long as this does.
  void append_json(std::vector<std::string_view>& pieces, std::size_t from = 0) const;
  [[nodiscard]] std::string whole_json() const;  // A copy.
  // The validator by which the client knows this state, for a 304 to carry: the current tag, or of
  // a collection the one of `seen` that names the same bytes. Null: it does not know it.
  [[nodiscard]] const EntityTag* known_as(const ValidatorList& seen, MediaType type) const;
};

// The hash in the tag of the text.
[[nodiscard]] std::uint64_t text_hash_of(Status status);

// The canonical JSON: fixed key order, agents sorted by name, `operation`,
// `result` and `data` byte-exact, absent members left out. A pure function of the job's entries,
// and of `final`, its one member that may change with time alone (--retry-grace).
[[nodiscard]] std::string render_json(const Job& job, bool final);

}  // namespace bide
