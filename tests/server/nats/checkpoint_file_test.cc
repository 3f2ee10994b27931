#include "server/nats/checkpoint_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/scratch_dir.h"

using namespace bide;

namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "job-queue.snapshot";

struct Folder {
  testing::ScratchDir scratch;
  fs::path path = fs::path(scratch.path()) / "snapshots";
  PrivateDir dir = std::get<PrivateDir>(PrivateDir::make(path));
  fs::path file = path / kName;

  void put(const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // The names in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  void write(std::string_view head, const std::vector<std::string>& blocks) {
    CheckpointWriter writer(dir, kName);
    REQUIRE_FALSE(writer.begin(head));
    for (const std::string& block : blocks) REQUIRE_FALSE(writer.add(block));
    REQUIRE_FALSE(writer.finish({blocks.size(), 7}));
    CHECK(writer.bytes() == fs::file_size(file));
  }
  // All blocks, joined; or why it is refused.
  [[nodiscard]] std::variant<std::string, std::string> read() const {
    auto opened = CheckpointReader::open(dir, kName);
    if (const auto* fault = std::get_if<CheckpointReader::Fault>(&opened)) {
      return std::variant<std::string, std::string>(std::in_place_index<1>, fault->text);
    }
    const auto& reader = std::get<CheckpointReader>(opened);
    std::string all = reader.head();
    for (std::size_t block = 0; block < reader.blocks(); ++block) {
      std::string content;
      if (!reader.read(block, content)) {
        return std::variant<std::string, std::string>(std::in_place_index<1>, "block");
      }
      all += "|" + content;
    }
    return std::variant<std::string, std::string>(std::in_place_index<0>, all);
  }
  [[nodiscard]] std::string refusal() const {
    const auto read = this->read();
    return read.index() == 1 ? std::get<1>(read) : "";
  }
  [[nodiscard]] std::string content() const {
    const auto read = this->read();
    REQUIRE(read.index() == 0);
    return std::get<0>(read);
  }
};

}  // namespace

TEST_CASE("checkpoint file: what was written is read, and nobody else may read it") {
  Folder folder;
  folder.write("head", {"one", "", "three"});
  CHECK(folder.content() == "head|one||three");
  const auto opened = CheckpointReader::open(folder.dir, kName);
  CHECK(std::get<CheckpointReader>(opened).sum().jobs == 3);
  CHECK(std::get<CheckpointReader>(opened).sum().memory == 7);
  CHECK(fs::status(folder.file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  folder.write("again", {});
  CHECK(folder.content() == "again");
  CHECK(folder.names() == std::vector<std::string>{kName});
}

TEST_CASE("checkpoint file: cut off anywhere, it is refused") {
  Folder folder;
  folder.write("head", {"one", "two"});
  const std::string whole = folder.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    folder.put(whole.substr(0, size));
    CHECK(!folder.refusal().empty());
  }
  folder.put(whole + '\0');
  CHECK(!folder.refusal().empty());
}

TEST_CASE("checkpoint file: with any bit changed it is refused") {
  Folder folder;
  folder.write("head", {"one", "two"});
  const std::string whole = folder.bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    for (const int bit : {0, 7}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      folder.put(changed);
      CHECK(!folder.refusal().empty());
    }
  }
}

TEST_CASE("checkpoint file: blocks of one file do not make another") {
  Folder folder;
  folder.write("head", {"one", "two"});
  const std::string first = folder.bytes();
  folder.write("head", {"eno", "two"});
  const std::string second = folder.bytes();
  REQUIRE(first.size() == second.size());
  // Up to here both have a head; behind it is the block that differs, with its hash.
  const std::size_t differs = first.find("one");
  folder.put(first.substr(0, differs + 3) + second.substr(differs + 3));
  CHECK(folder.refusal() == "it is damaged or cut off");
  // Two blocks of jobs the wrong way round.
  constexpr std::size_t kBlock = 16 + 3;
  const std::size_t one = differs - 16;
  folder.put(first.substr(0, one) + first.substr(one + kBlock, kBlock) + first.substr(one, kBlock) +
             first.substr(one + 2 * kBlock));
  CHECK(folder.refusal() == "it is damaged or cut off");
}

TEST_CASE("checkpoint file: other files are refused, with the reason") {
  Folder folder;
  CHECK(std::get<CheckpointReader::Fault>(CheckpointReader::open(folder.dir, kName)).missing);
  folder.put("short");
  CHECK(folder.refusal() == "it is too short");
  folder.put("bide snapshot 2\nwhatever it may be");
  CHECK(folder.refusal() == "it is not what this bide writes");
  folder.write("head", {});
  fs::permissions(folder.file, fs::perms::group_write, fs::perm_options::add);
  CHECK(folder.refusal() == "it is no file that is yours alone");
  fs::remove(folder.file);
  fs::create_symlink("/etc/passwd", folder.file);
  CHECK(folder.refusal() == "it is a symbolic link");
  fs::remove(folder.file);
  REQUIRE(::mkfifo(folder.file.c_str(), 0600) == 0);
  CHECK(folder.refusal() == "it is no file that is yours alone");
}

TEST_CASE("checkpoint file: until a new one is whole, the last one stays") {
  Folder folder;
  folder.write("head", {"one"});
  {
    CheckpointWriter writer(folder.dir, kName);
    REQUIRE_FALSE(writer.begin("new"));
    REQUIRE_FALSE(writer.add("block"));
    CHECK(folder.content() == "head|one");
    CHECK(folder.names().size() == 2);
  }
  CHECK(folder.content() == "head|one");
  CHECK(folder.names().size() == 1);
}

TEST_CASE("checkpoint file: what a crash has left is written over") {
  Folder folder;
  const fs::path draft = folder.file.string() + ".new";
  std::ofstream(draft) << std::string(10'000, 'x');
  fs::permissions(draft, fs::perms::others_read, fs::perm_options::add);
  folder.write("head", {"one"});
  CHECK(folder.content() == "head|one");
  CHECK(fs::status(folder.file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(folder.names().size() == 1);
}

TEST_CASE("checkpoint file: of two that write one does, and the other leaves it alone") {
  Folder folder;
  CheckpointWriter first(folder.dir, kName);
  REQUIRE_FALSE(first.begin("first"));
  {
    CheckpointWriter second(folder.dir, kName);
    const auto failure = second.begin("second");
    REQUIRE(failure);
    CHECK(failure->in_use);
  }
  REQUIRE_FALSE(first.add("block"));
  REQUIRE_FALSE(first.finish({1, 1}));
  CHECK(folder.content() == "first|block");
}

TEST_CASE("checkpoint file: a link in place of the draft is not followed") {
  Folder folder;
  const fs::path victim = fs::path(folder.scratch.path()) / "victim";
  std::ofstream(victim) << "precious";
  fs::create_symlink(victim, folder.file.string() + ".new");
  CheckpointWriter writer(folder.dir, kName);
  REQUIRE(writer.begin("head"));
  CHECK(fs::file_size(victim) == 8);
}
