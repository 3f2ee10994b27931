// server/nats/checkpoints.h: Reads the newest checkpoint when bide starts, and writes one from time
// to time, so that the next start need not read the whole bucket.
//
// When. At most every kInterval, and only if a part of the entries is new that would take longer to
// read than it matters; or after kLongInterval if anything is. And when bide ends, by the same
// measure. So a quiet queue costs the disk nothing.
//
// How. The watcher's thread says begin() between two entries: the table is cut there
// (JobTable::begin_cut()), and belongs to exactly that place in the stream. This object's thread
// copies it little by little and writes the file. It rests three times as long as it works, so
// three quarters of a core are left for others however large the table is. It has no lower
// priority, because it holds the shards' mutexes for moments, and with a low priority a moment may
// be long.
//
// If anything fails, the last file stays, the log says so once, and nothing else suffers.
//
// Thread safety: as said at each method.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include "core/base/mutex.h"
#include "core/table/job_table.h"
#include "server/files/private_dir.h"
#include "server/metrics/metrics.h"
#include "server/nats/checkpoint_file.h"

namespace bide {

class Checkpoints {
 public:
  static constexpr std::chrono::minutes kInterval{5};
  static constexpr std::chrono::minutes kLongInterval{60};
  // So much of the entries must be new, one of so many.
  static constexpr std::uint64_t kWorthwhile = 64;

  // `dir` and its parents are made if they are missing. The string: why it cannot be used.
  // `table` and `metrics` must outlive the result.
  [[nodiscard]] static std::variant<std::unique_ptr<Checkpoints>, std::string> make(
      const std::filesystem::path& dir, std::string bucket, JobTable& table, Metrics& metrics);
  ~Checkpoints();  // Ends what is under way.
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  // Begins to read the file. Once, before all that follows.
  void start();

  // --- From the watcher's thread

  struct Loaded {
    BucketRead content;
    std::string place;  // As given to begin().
    Position::Place position;
  };
  // Blocks until the file is read. nullopt: there is none that can be used; the log says why.
  [[nodiscard]] std::optional<Loaded> take_loaded() EXCLUDES(mutex_);
  // The stream is not the one of the loaded file, which must not delay the next one.
  void refuse_loaded();
  // Whether it is time to begin(). `entries`: how many the stream holds. `ending`: bide is.
  [[nodiscard]] bool due(std::uint64_t entries, TimePoint now, bool ending = false)
      EXCLUDES(mutex_);
  // The table belongs to `place` now, and is written as it is now. After due().
  void begin(std::string place) EXCLUDES(mutex_);

  // --- From any thread

  // Blocks until nothing is being written, for `patience` at most; what is being written is written
  // without rests.
  void finish(std::chrono::milliseconds patience) EXCLUDES(mutex_);

 private:
  struct Head {
    std::string version, bucket, place;
    Position::Place position;
    Revision applied = 0;
    WallTime taken_at;
  };
  Checkpoints(PrivateDir dir, std::string bucket, JobTable& table, Metrics& metrics);
  void run() EXCLUDES(mutex_);
  // What take_loaded() returns. The string: why not; empty: there is no file.
  [[nodiscard]] std::variant<Loaded, std::string> load() noexcept;
  [[nodiscard]] std::variant<Loaded, std::string> try_load();
  [[nodiscard]] std::optional<std::string> fault_of(const Head& head, CheckpointSum sum) const;
  [[nodiscard]] std::optional<BucketRead> read(const CheckpointReader& file, const Head& head);
  [[nodiscard]] bool write(const std::string& head) noexcept;
  [[nodiscard]] CheckpointWriter::Result try_write(const std::string& head, CheckpointWriter& file,
                                                   CheckpointSum& sum);
  // After the work of a step that began at `began`. False: it must end.
  [[nodiscard]] bool rest(TimePoint began) EXCLUDES(mutex_);
  [[nodiscard]] static std::string bytes_of(const Head& head);
  [[nodiscard]] static std::optional<Head> head_of(std::string_view bytes);

  const PrivateDir dir_;
  const std::string bucket_;
  const std::string name_;
  JobTable& table_;
  Metrics& metrics_;

  Mutex mutex_;
  CondVar changed_;
  bool loading_ GUARDED_BY(mutex_) = true;
  std::optional<Loaded> loaded_ GUARDED_BY(mutex_);
  std::optional<std::string> to_write_ GUARDED_BY(mutex_);  // The head of the file.
  bool writing_ GUARDED_BY(mutex_) = false;                 // From begin() on.
  bool failed_ GUARDED_BY(mutex_) = false;                  // The last one did.
  bool hurry_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;

  // Of the watcher's thread.
  Position::Place last_;  // Of the newest checkpoint that was begun or loaded.
  TimePoint last_begun_{};
  bool told_not_whole_ = false;
  // Of this object's thread.
  std::string told_;  // The failure that the log has.

  std::thread thread_;
};

}  // namespace bide
