#include "server/nats/checkpoint_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/byte_reader.h"
#include "core/job/entity_tag.h"

namespace bide {
namespace {

constexpr std::uint32_t kHead = 1, kJobs = 2, kEnd = 3;
constexpr std::size_t kBlockHeadBytes = 16;
// A bide with 4 million jobs writes 2 GB, in 2,000 blocks.
constexpr std::size_t kBlocksMax = 1'000'000;
// A sixteenth of the disk stays free, and no more than this is asked for.
constexpr std::uint64_t kDiskPart = 16;
constexpr std::uint64_t kDiskFreeMax = std::uint64_t{1} << 30U;

std::uint64_t hash_of_block(std::string_view content, std::uint32_t kind, std::size_t number) {
  std::string place;
  append_fixed(place, number << 8U | kind);
  return hash_of({place, content});
}

std::uint64_t hash_of_hashes(const std::vector<std::uint64_t>& hashes) {
  std::string bytes;
  for (const std::uint64_t hash : hashes) append_fixed(bytes, hash);
  return hash_of(bytes);
}

std::string why() { return std::strerror(errno); }

// False: an error, or the end of the file.
bool read_at(int fd, std::uint64_t at, char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, out, size, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    at += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

// --- Writing ------------------------------------------------------------------------------------

CheckpointWriter::CheckpointWriter(const PrivateDir& dir, std::string name)
    : dir_(dir), name_(std::move(name)), draft_(name_ + ".new") {}

CheckpointWriter::~CheckpointWriter() {
  if (is_ours_) dir_.remove(draft_);
  if (fd_ >= 0) ::close(fd_);
}

CheckpointWriter::Result CheckpointWriter::begin(std::string_view head) {
  // Left by a crash, it may be there already.
  fd_ = dir_.open_file(draft_, O_WRONLY | O_CREAT);
  if (fd_ < 0) return Failure{"cannot write " + dir_.path_of(draft_).string() + ": " + why()};
  // Another process that had it locked may have renamed it by now: then it is the newest whole one.
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 || !dir_.names(draft_, fd_)) {
    return Failure{"another bide is writing " + dir_.path_of(draft_).string(), true};
  }
  is_ours_ = true;
  if (::fchmod(fd_, 0600) != 0 || ::ftruncate(fd_, 0) != 0) {
    return Failure{"cannot write " + dir_.path_of(draft_).string() + ": " + why()};
  }
  if (Result failure = write(kCheckpointMagic)) return failure;
  return block(kHead, head);
}

CheckpointWriter::Result CheckpointWriter::add(std::string_view jobs) { return block(kJobs, jobs); }

CheckpointWriter::Result CheckpointWriter::finish(CheckpointSum sum) {
  std::string content;
  append_fixed(content, hashes_.size());
  append_fixed(content, sum.jobs);
  append_fixed(content, sum.memory);
  append_fixed(content, hash_of_hashes(hashes_));
  if (Result failure = block(kEnd, content)) return failure;
  if (::fsync(fd_) != 0) return Failure{"cannot write it to the disk: " + why()};
  if (const std::error_code error = dir_.rename(draft_, name_)) {
    return Failure{"cannot rename " + dir_.path_of(draft_).string() + ": " + error.message()};
  }
  is_ours_ = false;
  return std::nullopt;
}

CheckpointWriter::Result CheckpointWriter::block(std::uint32_t kind, std::string_view content) {
  struct statvfs disk {};
  if (::fstatvfs(fd_, &disk) == 0) {
    const std::uint64_t left = std::min(kDiskFreeMax, disk.f_frsize * disk.f_blocks / kDiskPart);
    if (disk.f_frsize * disk.f_bavail < left + content.size()) {
      return Failure{"the disk is full: less than " + std::to_string(left >> 20U) +
                     " MiB would be left for others"};
    }
  }
  const std::uint64_t hash = hash_of_block(content, kind, hashes_.size());
  std::string head;
  append_fixed(head, std::uint64_t{kind} << 32U | content.size());
  append_fixed(head, hash);
  hashes_.push_back(hash);
  const std::uint64_t at = bytes_;
  Result failure = write(head);
  if (!failure) failure = write(content);
  // Begins to write to the disk, or the end would be one burst, for which others would wait.
  if (!failure) {
    ::sync_file_range(fd_, static_cast<off_t>(at), static_cast<off_t>(bytes_ - at),
                      SYNC_FILE_RANGE_WRITE);
  }
  return failure;
}

CheckpointWriter::Result CheckpointWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failure{"cannot write it: " + why()};
    bytes.remove_prefix(static_cast<std::size_t>(written));
    bytes_ += static_cast<std::uint64_t>(written);
  }
  return std::nullopt;
}

// --- Reading ------------------------------------------------------------------------------------

std::variant<CheckpointReader, CheckpointReader::Fault> CheckpointReader::open(
    const PrivateDir& dir, const std::string& name) {
  const int fd = dir.open_file(name, O_RDONLY);
  if (fd < 0) {
    if (errno == ENOENT) return Fault{"there is none", true};
    return Fault{errno == EPERM   ? "it is no file that is yours alone"
                 : errno == ELOOP ? "it is a symbolic link"
                                  : why()};
  }
  return open(fd);
}

std::variant<CheckpointReader, CheckpointReader::Fault> CheckpointReader::open(int fd) {
  CheckpointReader reader(fd);
  std::string fault = reader.find_fault();
  if (!fault.empty()) return Fault{std::move(fault)};
  return reader;
}

CheckpointReader::CheckpointReader(CheckpointReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      blocks_(std::move(other.blocks_)),
      head_(std::move(other.head_)),
      sum_(other.sum_) {}

CheckpointReader::~CheckpointReader() {
  if (fd_ >= 0) ::close(fd_);
}

std::string CheckpointReader::find_fault() {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return why();
  bytes_ = static_cast<std::uint64_t>(status.st_size);
  std::array<char, kCheckpointMagic.size()> magic{};
  if (!read_at(fd_, 0, magic.data(), magic.size())) return "it is too short";
  if (std::string_view(magic.data(), magic.size()) != kCheckpointMagic) {
    return "it is not what this bide writes";
  }
  if (!find_blocks()) return "it is damaged or cut off";
  return "";
}

bool CheckpointReader::find_blocks() {
  std::vector<std::uint64_t> hashes;
  std::uint64_t at = kCheckpointMagic.size();
  while (at < bytes_) {
    std::array<char, kBlockHeadBytes> head;
    if (!read_at(fd_, at, head.data(), head.size())) return false;
    at += head.size();
    ByteReader in({head.data(), head.size()});
    const std::uint64_t what = in.fixed();
    const Block block{at, static_cast<std::uint32_t>(what), static_cast<std::uint32_t>(what >> 32U),
                      in.fixed()};
    if (block.size > CheckpointWriter::kJobsBytesMax || block.size > bytes_ - at) return false;
    if (blocks_.size() == kBlocksMax) return false;
    at += block.size;
    blocks_.push_back(block);
    hashes.push_back(block.hash);
  }
  // Head, jobs, end.
  if (blocks_.size() < 2) return false;
  const bool in_order = blocks_.front().kind == kHead && blocks_.back().kind == kEnd &&
                        std::all_of(blocks_.begin() + 1, blocks_.end() - 1,
                                    [](const Block& block) { return block.kind == kJobs; });
  std::string content;
  if (!in_order || !content_of(blocks_.back(), blocks_.size() - 1, content)) return false;
  hashes.pop_back();
  ByteReader in(content);
  const std::uint64_t count = in.fixed();
  sum_.jobs = in.fixed();
  sum_.memory = in.fixed();
  const std::uint64_t hash = in.fixed();
  if (in.failed() || !in.at_end()) return false;
  if (count != hashes.size() || hash != hash_of_hashes(hashes)) return false;
  if (!content_of(blocks_.front(), 0, head_)) return false;
  blocks_.pop_back();
  blocks_.erase(blocks_.begin());
  return true;
}

bool CheckpointReader::content_of(const Block& block, std::size_t number,
                                  std::string& content) const {
  content.resize(block.size);
  return read_at(fd_, block.at, content.data(), content.size()) &&
         hash_of_block(content, block.kind, number) == block.hash;
}

bool CheckpointReader::read(std::size_t block, std::string& content) const {
  return content_of(blocks_[block], block + 1, content);
}

}  // namespace bide
