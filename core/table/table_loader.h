// core/table/table_loader.h: Makes the content of a job table from the bytes of its jobs
// (core/job/job_bytes.h), on several threads.
//
// Each thread reads bytes into records, which it puts in lists, one for each shard. When all have
// ended, each shard's lists are joined, again on any thread. So no thread waits for another, and
// nothing is in memory twice.
//
// Thread safety: as said at each method.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "core/table/job_table.h"

namespace bide {

class TableLoader {
 public:
  // For a table with so many shards. The content's revisions are `revision_max` at most.
  TableLoader(std::size_t shards, std::size_t threads, Revision revision_max);
  ~TableLoader();

  // Reads whole jobs. False: the bytes are damaged. From each thread with a number of its own.
  [[nodiscard]] bool read(std::size_t thread, std::string_view bytes);
  // After all read(), once for each shard; each shard on any thread. False: a job was there twice.
  [[nodiscard]] bool join(std::size_t shard);
  // After all join(), from one thread. `revision`: the highest one absorbed. The limits are those
  // of the table; nullopt: the content exceeds them.
  [[nodiscard]] std::optional<BucketRead> finish(Revision revision, std::size_t jobs_max,
                                                 std::size_t memory_max);

 private:
  struct Shard;
  const Revision revision_max_;
  std::vector<Shard> shards_;
};

}  // namespace bide
