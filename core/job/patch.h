// core/job/patch.h: JSON patches (RFC 6902) from one representation of a job to a later one.
//
// A patch is written from what was added since: the entries whose revision is above that of the
// representation it begins with. No documents are compared. That is right as long as entries were
// only added or replaced by newer ones of the same agent (Job::only_adds()). After anything else
// (a new definition, a deletion, an entry that is lost) the chain ends, and clients get the whole
// representation again.
//
// A chain is kept only while somebody follows the job with patches, together with the job's
// snapshot. Each patch is made once and shared by all who receive it. Patches in a row are a patch
// again, so a client that has missed some states gets one patch, too.
//
// Thread safety: immutable after construction, may be shared.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/entity_tag.h"
#include "core/job/representation.h"

namespace bide {

// Those members of a representation that may be absent, as far as a patch must know.
struct Outline {
  bool updated_at = false, hostname = false, error = false, result = false;
  bool responses = false, agent_states = false, timeline = false;
  std::optional<bool> changed;
  // The only name in `agent_states`, if all agents count as one.
  std::optional<std::string> sole_agent;
};
[[nodiscard]] Outline outline_of(const Job& job, const JobParts& parts);

// The beginning of a patch.
struct PatchBase {
  Revision revision;
  Status status;
  bool final;
  const Outline& outline;
};
// The operations, as an array on one line.
[[nodiscard]] std::string write_patch(const Job& job, const JobParts& parts, bool final,
                                      const PatchBase& base);

struct Patch {
  EntityTag from;
  std::string text;
};

class PatchChain {
 public:
  // A chain with no patches: `outline` is that of the representation where it begins.
  explicit PatchChain(Outline outline) : outline_(std::move(outline)) {}
  // Continues `before` with a patch. Drops the oldest ones until all together are no longer than
  // `bytes_max`, the size of the representation, because that is cheaper to send then.
  PatchChain(Outline outline, const PatchChain& before, Patch patch, std::size_t bytes_max);

  // Of the representation at its end.
  [[nodiscard]] const Outline& outline() const { return outline_; }
  // The patch from the representation with that tag to the end, as an array. Empty: there is none.
  // Lives in the chain, or in `joined` if several were joined. Then it has kJoinedBytesMax at most.
  [[nodiscard]] std::string_view find(const EntityTag& from, std::string& joined) const;
  // Its memory.
  [[nodiscard]] std::size_t bytes() const;

  static constexpr std::size_t kJoinedBytesMax = 64 << 10;
  static constexpr std::size_t kPatchesMax = 256;

 private:
  Outline outline_;
  std::vector<std::shared_ptr<const Patch>> patches_;  // Oldest first.
  std::size_t text_bytes_ = 0;
};

}  // namespace bide
