#include "server/nats/embedded/embedded_nats.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>

#include "core/base/start_error.h"
#include "server/files/state_dir.h"
#include "server/nats/embedded/data_dir.h"
#include "tests/eventually.h"
#include "tests/scratch_dir.h"
#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::children_of;
using testing::eventually;
using testing::ScratchDir;

constexpr const char* kHelperDir = "BIDE_TEST_DATA_DIR";

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool answers(const std::string& url) {
  return std::holds_alternative<std::shared_ptr<NatsConnection>>(
      NatsConnection::connect({.urls = url, .reconnect = false}));
}

// Empty: there is none.
std::string url_in(const std::filesystem::path& dir) {
  const auto url = read_nats_url(dir);
  const auto* const found = std::get_if<std::string>(&url);
  return found == nullptr ? "" : *found;
}

std::string token_of(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  return url.substr(begin, url.find('@') - begin);
}

// The error of start(). Empty: it starts.
std::string start_error(EmbeddedNats::Settings settings) {
  Metrics metrics;
  EmbeddedNats nats(std::move(settings), metrics);
  try {
    nats.start();
  } catch (const StartError& error) {
    return error.what();
  }
  return "";
}

// Sets a PATH with nothing but a nats-server that runs the shell script `body`; without a body the
// PATH is empty. The destructor restores it.
class FakeProgram {
 public:
  explicit FakeProgram(const std::string& body = "") : path_(::getenv("PATH")) {
    if (!body.empty()) {
      const auto program = dir_.path() / "nats-server";
      std::ofstream(program) << "#!/bin/sh\n" << body << "\n";
      ::chmod(program.c_str(), 0755);
    }
    ::setenv("PATH", dir_.path().c_str(), 1);
  }
  ~FakeProgram() { ::setenv("PATH", path_.c_str(), 1); }
  FakeProgram(const FakeProgram&) = delete;
  FakeProgram& operator=(const FakeProgram&) = delete;

 private:
  ScratchDir dir_;
  std::string path_;
};

// Runs this test program as another process, with only the test case below.
pid_t spawn_helper(const std::filesystem::path& data_dir) {
  ::setenv(kHelperDir, data_dir.c_str(), 1);
  std::string program = "/proc/self/exe";
  std::string only = "--test-case=embedded_nats: (in a process of its own)*";
  std::string also_skipped = "--no-skip";
  const std::array<char*, 4> argv = {program.data(), only.data(), also_skipped.data(), nullptr};
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ) == 0);
  return pid;
}

TEST_CASE("embedded_nats: (in a process of its own) runs until it is killed" * doctest::skip()) {
  Metrics metrics;
  EmbeddedNats nats({::getenv(kHelperDir)}, metrics);
  nats.start();
  ::raise(SIGSTOP);
}

TEST_CASE("embedded_nats: it answers, and only readers of its files learn the token") {
  const ScratchDir dir;
  Metrics metrics;
  EmbeddedNats nats({dir.path()}, metrics);
  nats.start();
  CHECK(answers(nats.url()));
  CHECK(url_in(dir.path()) == nats.url());

  const std::string token = token_of(nats.url());
  REQUIRE(token.size() == 32);
  std::string without = nats.url();
  without.replace(without.find(token), token.size() + 1, "");
  CHECK_FALSE(answers(without));
  for (const char* file : {"nats-url", "nats/nats.conf", "nats/token"}) {
    INFO(file);
    struct stat status {};
    REQUIRE(::stat((dir.path() / file).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
  }
  const auto pids = children_of(::getpid(), "nats-server");
  REQUIRE(pids.size() == 1);
  const auto proc = std::filesystem::path("/proc") / std::to_string(pids.front());
  CHECK(content_of(proc / "cmdline").find(token) == std::string::npos);
  CHECK(content_of(proc / "environ").find(token) == std::string::npos);
  CHECK(content_of(dir.path() / "nats/nats.log").find(token) == std::string::npos);

  nats.stop();
  CHECK(children_of(::getpid(), "nats-server").empty());
  CHECK_FALSE(answers(nats.url()));
}

TEST_CASE("embedded_nats: a restart keeps the URL and the data") {
  const ScratchDir dir;
  Metrics metrics;
  std::string url;
  {
    EmbeddedNats nats({dir.path()}, metrics);
    nats.start();
    url = nats.url();
    auto made = NatsConnection::connect({.urls = url});
    REQUIRE_FALSE(create_bucket(*std::get<std::shared_ptr<NatsConnection>>(made), "job-queue"));
  }
  EmbeddedNats nats({dir.path()}, metrics);
  nats.start();
  CHECK(nats.url() == url);
  auto made = NatsConnection::connect({.urls = url});
  CHECK(std::holds_alternative<BucketState>(
      read_bucket_state(*std::get<std::shared_ptr<NatsConnection>>(made), "job-queue")));
  CHECK(metrics.nats_restarts.load() == 0);
}

TEST_CASE("embedded_nats: a nats-server that dies is started again, at the same place") {
  const ScratchDir dir;
  Metrics metrics;
  EmbeddedNats nats({dir.path()}, metrics);
  nats.start();
  for (std::uint64_t deaths = 1; deaths <= 2; ++deaths) {
    std::vector<pid_t> pids;
    REQUIRE(eventually([&] {
      pids = children_of(::getpid(), "nats-server");
      return pids.size() == 1;
    }));
    ::kill(pids.front(), SIGKILL);
    REQUIRE(eventually([&] { return metrics.nats_restarts.load() == deaths; }));
    CHECK(eventually([&] { return answers(nats.url()); }));
  }
}

TEST_CASE("embedded_nats: a nats-server that is not heard from is ended and started again") {
  const ScratchDir dir;
  Metrics metrics;
  Contact contact;
  EmbeddedNats nats({.data_dir = dir.path(), .contact = &contact, .silence_most = 600ms}, metrics);
  nats.start();
  const auto heard = [&] { contact.heard(system_clock().now()); };
  const auto first = children_of(::getpid(), "nats-server");
  REQUIRE(first.size() == 1);
  CHECK_FALSE(eventually([&] { return heard(), metrics.nats_restarts.load() != 0; }, 2s));
  ::kill(first.front(), SIGSTOP);  // Now only SIGKILL ends it.
  CHECK(eventually([&] { return metrics.nats_restarts.load() == 1; }));
  CHECK(eventually([&] { return heard(), answers(nats.url()); }));
}

// nats-server 2.14 and later: a stream of which one write failed stores nothing more. Other
// versions do not say this line, so a script says it for them.
TEST_CASE("embedded_nats: a nats-server that can store nothing any more is started again") {
  const auto restarts_after = [](const std::string& line) {
    const std::string real = find_program("nats-server");
    const ScratchDir dir;
    const auto file = dir.path() / "line";
    std::ofstream(file) << line << "\n";
    const FakeProgram liar("/bin/cat " + file.string() + " >&2\nexec " + real + R"( "$@")");
    Metrics metrics;
    Contact contact;
    EmbeddedNats nats({.data_dir = dir.path(), .contact = &contact, .silence_most = 600ms},
                      metrics);
    nats.start();
    const bool restarted = eventually(
        [&] {
          contact.heard(system_clock().now());
          return metrics.nats_restarts.load() >= 2;
        },
        line.find("cid:") == std::string::npos ? 20s : 2s);
    CHECK((!restarted || eventually([&] { return answers(nats.url()); })));
    return restarted;
  };
  const std::string begin = "[7] 2026/01/31 12:00:00.123456 [ERR] ";
  const std::string words =
      "JetStream stream '$G > KV_job-queue' critical write error: write 1.blk: no space left";
  CHECK(restarts_after(begin + words));
  CHECK_FALSE(restarts_after(begin + "127.0.0.1:5 - cid:5 - \" [ERR] " + words + "\" - refused"));
}

TEST_CASE("embedded_nats: the log has room where the disk has none") {
  const ScratchDir dir;
  Metrics metrics;
  EmbeddedNats nats({dir.path()}, metrics);
  nats.start();
  struct stat log {};
  REQUIRE(::stat((dir.path() / "nats/nats.log").c_str(), &log) == 0);
  CHECK(log.st_blocks * 512 >= 65'536);
}

TEST_CASE("embedded_nats: killed with -9, bide takes its nats-server along, and starts again") {
  // The orphan becomes a child of this process, which can wait for its end.
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const ScratchDir dir;
  const pid_t helper = spawn_helper(dir.path());
  int status = 0;
  REQUIRE(::waitpid(helper, &status, WUNTRACED) == helper);
  REQUIRE(WIFSTOPPED(status));
  const auto orphans = children_of(helper, "nats-server");
  REQUIRE(orphans.size() == 1);
  const std::string url = url_in(dir.path());
  REQUIRE_FALSE(url.empty());

  ::kill(orphans.front(), SIGSTOP);
  ::kill(helper, SIGKILL);
  REQUIRE(::waitpid(helper, &status, 0) == helper);
  SUBCASE("as long as the nats-server lives, the directory is in use") {
    CHECK(start_error({dir.path(), 200ms}).find("in use") != std::string::npos);
    ::kill(orphans.front(), SIGCONT);
    ::waitpid(orphans.front(), nullptr, 0);
  }
  ::kill(orphans.front(), SIGCONT);
  SUBCASE("the nats-server is gone soon after") {
    CHECK(eventually(
        [&] { return ::waitpid(orphans.front(), nullptr, WNOHANG) == orphans.front(); }, 10s));
  }
  SUBCASE("a bide started at once waits for it, and serves the same URL") {
    Metrics metrics;
    EmbeddedNats next({dir.path()}, metrics);
    next.start();
    CHECK(next.url() == url);
    CHECK(answers(url));
    ::waitpid(orphans.front(), nullptr, 0);
  }
}

TEST_CASE("embedded_nats: two on one directory: the second names the process that has it") {
  const ScratchDir dir;
  Metrics metrics;
  EmbeddedNats first({dir.path()}, metrics);
  first.start();
  const std::string error = start_error({dir.path(), 200ms});
  CHECK(error.find(dir.path().string()) != std::string::npos);
  CHECK(error.find("in use by process " + std::to_string(::getpid())) != std::string::npos);
  CHECK(answers(first.url()));
}

TEST_CASE(
    "embedded_nats: a bide of another container, whose process id is this one's, is waited for") {
  const ScratchDir dir;
  std::array<char, 16> name{};
  REQUIRE(::prctl(PR_GET_NAME, name.data()) == 0);
  REQUIRE(::prctl(PR_SET_NAME, "bide") == 0);
  Metrics metrics;
  std::optional<EmbeddedNats> first;
  first.emplace(EmbeddedNats::Settings{dir.path()}, metrics);
  first->start();
  const std::string url = first->url();
  auto second = std::async(std::launch::async, [&] {
    Metrics its_metrics;
    EmbeddedNats next({dir.path()}, its_metrics);
    next.start();
    return next.url();
  });
  // It does not give up.
  CHECK(second.wait_for(300ms) == std::future_status::timeout);
  first.reset();
  CHECK(second.get() == url);
  ::prctl(PR_SET_NAME, name.data());
}

TEST_CASE("embedded_nats: no program: the error names the Debian package") {
  const ScratchDir dir;
  const std::string error = start_error({.data_dir = dir.path(), .program = "no-such-server"});
  CHECK(error.find("no no-such-server in " + std::string(::getenv("PATH")) + ":/usr/local/sbin:") !=
        std::string::npos);
  CHECK(error.find("apt-get install nats-server") != std::string::npos);
  CHECK(error.find("--nats") != std::string::npos);
}

TEST_CASE("embedded_nats: a directory that cannot be one is an error") {
  const ScratchDir dir;
  std::ofstream(dir.path() / "file") << "x";
  for (const char* path : {"file", "file/below"}) {
    const std::string error = start_error({dir.path() / path});
    INFO(error);
    CHECK(error.find("cannot use the data directory") == 0);
    CHECK(error.find(dir.path() / "file") != std::string::npos);
  }
}

TEST_CASE("embedded_nats: a directory that others may write is not used") {
  const ScratchDir dir;
  const auto data = dir.path() / "data";
  SUBCASE("the directory") {
    std::filesystem::create_directory(data);
    ::chmod(data.c_str(), 0777);
    CHECK(start_error({data}).find("others may write to " + data.string()) != std::string::npos);
  }
  SUBCASE("one inside") {
    std::filesystem::create_directories(data / "nats/store");
    ::chmod((data / "nats").c_str(), 0775);
    CHECK(start_error({data}).find("others may write to") != std::string::npos);
  }
  SUBCASE("a link in its place") {
    const ScratchDir elsewhere;
    std::filesystem::create_symlink(elsewhere.path(), data);
    for (const auto& path : {data, data / ""}) {
      CHECK(start_error({path}).find("is a symbolic link") != std::string::npos);
    }
    CHECK(std::filesystem::is_empty(elsewhere.path()));
  }
  SUBCASE("another user's") {
    if (::geteuid() != 0) return;  // Only root gives files away.
    std::filesystem::create_directory(data);
    REQUIRE(::chown(data.c_str(), 12345, 12345) == 0);
    CHECK(start_error({data}).find("belongs to user 12345") != std::string::npos);
  }
}

TEST_CASE("embedded_nats: planted files in the directory are not used") {
  const ScratchDir dir;
  const ScratchDir elsewhere;
  const auto nats = dir.path() / "nats";
  std::filesystem::create_directory(nats);
  ::chmod(nats.c_str(), 0700);
  const auto victim = elsewhere.path() / "victim";
  std::ofstream(victim) << "precious";
  SUBCASE("links") {
    std::filesystem::create_symlink(victim, nats / "nats.log");
    CHECK(start_error({dir.path()}).find("symbolic link") != std::string::npos);
  }
  SUBCASE("a link for the lock") {
    std::filesystem::create_symlink(victim, dir.path() / "lock");
    CHECK(start_error({dir.path()}).find("symbolic link") != std::string::npos);
  }
  SUBCASE("links for what is replaced") {
    for (const char* file : {"nats/token", "nats/port", "nats/nats.conf", "nats-url"}) {
      std::filesystem::create_symlink(victim, dir.path() / file);
    }
    CHECK(start_error({dir.path()}) == "");
  }
  SUBCASE("a token that is more than a token") {
    std::ofstream(nats / "token") << R"(" }, http: "0.0.0.0:8222", a: {b)"
                                  << "\n";
    CHECK(start_error({dir.path()}) == "");
    CHECK(content_of(nats / "nats.conf").find("8222") == std::string::npos);
  }
  CHECK(content_of(victim) == "precious");
}

TEST_CASE("embedded_nats: the child has no descriptor and no variable that is ours") {
  const ScratchDir dir;
  const int inherited = ::open("/dev/null", O_RDONLY);  // Without O_CLOEXEC.
  ::setenv("BIDE_TOKEN", "secret", 1);
  const FakeProgram shows("/bin/ls -l /proc/$$/fd; /usr/bin/env; exit 1");
  const std::string error = start_error({dir.path()});
  ::unsetenv("BIDE_TOKEN");
  ::close(inherited);
  const std::string log = content_of(dir.path() / "nats/nats.log");
  CHECK(log.find("/lock") != std::string::npos);
  CHECK(log.find("BIDE_TOKEN") == std::string::npos);
  CHECK(log.find(" 4 -> ") == std::string::npos);
}

TEST_CASE("embedded_nats: a program that ends at once: the error shows the end of its log") {
  const ScratchDir dir;
  const FakeProgram broken("echo 'no such option: -c'; exit 1");
  const std::string error = start_error({dir.path()});
  CHECK(error.find("ended at once") != std::string::npos);
  CHECK(error.find("no such option: -c") != std::string::npos);
  CHECK(error.find('\n') == std::string::npos);
}

TEST_CASE("embedded_nats: if another takes its port before it starts, it gets a new one") {
  const ScratchDir dir, programs;
  const auto program = programs.path() / "nats-server-after-another";
  std::ofstream(program) << R"sh(#!/bin/bash
[[ -e $0.was ]] && exec nats-server "$@"
: >"$0.was"
port=$(sed -n 's/^listen: "127.0.0.1:\(.*\)"$/\1/p' "$2")
nats-server -a 127.0.0.1 -p "$port" --auth another >/dev/null 2>&1 &
until (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do sleep 0.01; done
nats-server "$@"
kill $!
wait
exit 1
)sh";
  ::chmod(program.c_str(), 0755);
  Metrics metrics;
  EmbeddedNats::Settings settings{dir.path()};
  settings.program = program.filename();
  EmbeddedNats nats(std::move(settings), metrics);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (programs.path().string() + ":" + path).c_str(), 1);
  CHECK_NOTHROW(nats.start());
  ::setenv("PATH", path.c_str(), 1);
  CHECK(std::filesystem::exists(program.string() + ".was"));
  CHECK(answers(nats.url()));
  CHECK(metrics.nats_restarts == 0);
}

TEST_CASE("embedded_nats: a program that does not answer is an error, and is ended") {
  const ScratchDir dir;
  const FakeProgram silent("exec /bin/sleep 600");
  const std::string error = start_error({dir.path(), 300ms});
  CHECK(error.find("did not answer") != std::string::npos);
  CHECK(children_of(::getpid(), "sleep").empty());
}

}  // namespace
}  // namespace bide
