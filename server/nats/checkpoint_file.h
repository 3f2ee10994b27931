// server/nats/checkpoint_file.h: The file of a checkpoint: the table's jobs and the place in the
// stream to which they belong. For users it is a snapshot of the table (--snapshot-dir).
//
// Format. The line kCheckpointMagic, then blocks: 4 bytes with the size of the content, 4 with its
// kind, 8 with a hash, and the content. The hash is the XXH3-64 of the block's number and kind, in
// 8 bytes, and of the content. Numbers have the lowest byte first. The first block is the head;
// then come jobs (core/job/job_bytes.h), each in one block; the last is the end. It has the number
// of blocks and jobs, what they take in memory, and the XXH3-64 of all the hashes before, so no
// block is missing, moved, or of another file.
//
// Only the same version of bide reads it, because another one might decode entries differently.
// kCheckpointMagic changes when the bytes of a block do.
//
// Writing. The file is written under another name and renamed when it is on the disk, so there is
// always the last whole one, whatever happens to bide or the machine. The other name is locked
// meanwhile: of several bides with the same folder and bucket one writes, and the others leave it
// at that. Enough of the disk is left for others.
//
// Trust. The file holds the jobs' data: only its owner may read it. What it says is believed if the
// hashes are right and the stream confirms the place. They are no protection against somebody who
// can write to the folder: it has to be as private as the folder of a NATS server, and bide refuses
// it if others may write to it.
//
// Thread safety: none, except where said; all block on the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/files/private_dir.h"

namespace bide {

inline constexpr std::string_view kCheckpointMagic = "bide snapshot 1\n";

// What the blocks hold between head and end.
struct CheckpointSum {
  std::uint64_t jobs = 0;
  std::uint64_t memory = 0;  // JobTable::memory().
};

class CheckpointWriter {
 public:
  // Why it was not written, in one line.
  struct Failure {
    std::string text;
    bool in_use = false;  // Another process is writing it.
  };
  using Result = std::optional<Failure>;  // nullopt: done.

  CheckpointWriter(const PrivateDir& dir, std::string name);
  ~CheckpointWriter();  // Removes what was not finished.
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  [[nodiscard]] Result begin(std::string_view head);
  // Whole jobs, kJobsBytesMax at most.
  [[nodiscard]] Result add(std::string_view jobs);
  // The file is the newest one then.
  [[nodiscard]] Result finish(CheckpointSum sum);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  // A block is added when there are so many bytes, to which one job may add.
  static constexpr std::size_t kJobsBytes = std::size_t{1} << 20U;
  static constexpr std::size_t kJobsBytesMax = std::size_t{32} << 20U;

 private:
  Result block(std::uint32_t kind, std::string_view content);
  Result write(std::string_view bytes);

  const PrivateDir& dir_;
  const std::string name_;
  const std::string draft_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> hashes_;
  bool is_ours_ = false;
};

class CheckpointReader {
 public:
  struct Fault {
    std::string text;
    bool missing = false;  // There is no file.
  };
  // Checks everything but the hashes of the jobs' blocks.
  [[nodiscard]] static std::variant<CheckpointReader, Fault> open(const PrivateDir& dir,
                                                                  const std::string& name);
  // The same for an open file, which it closes.
  [[nodiscard]] static std::variant<CheckpointReader, Fault> open(int fd);
  CheckpointReader(CheckpointReader&& other) noexcept;
  CheckpointReader& operator=(CheckpointReader&&) = delete;
  ~CheckpointReader();

  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] CheckpointSum sum() const { return sum_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }  // Of jobs.
  // The content of a block of jobs, into `content`. False: it is damaged, or cannot be read. From
  // any thread.
  [[nodiscard]] bool read(std::size_t block, std::string& content) const;

 private:
  struct Block {
    std::uint64_t at;
    std::uint32_t size;
    std::uint32_t kind;
    std::uint64_t hash;
  };
  explicit CheckpointReader(int fd) : fd_(fd) {}
  [[nodiscard]] std::string find_fault();
  [[nodiscard]] bool find_blocks();
  [[nodiscard]] bool content_of(const Block& block, std::size_t number, std::string& content) const;

  int fd_ = -1;
  std::uint64_t bytes_ = 0;
  std::vector<Block> blocks_;
  std::string head_;
  CheckpointSum sum_;
};

}  // namespace bide
