#include "server/nats/embedded/embedded_nats.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "core/base/secret_text.h"
#include "core/base/start_error.h"
#include "server/files/small_file.h"
#include "server/files/state_dir.h"
#include "server/log/log.h"
#include "server/nats/embedded/data_dir.h"
#include "server/nats/login/nats_connection.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kTerminatePatience = 5s;
constexpr int kPortsMost = 3;
// Silence is counted in looks, so that time during which bide itself was stopped does not count.
constexpr int kBadLooksMost = 6;
constexpr std::chrono::milliseconds kBackOffFirst = 100ms;
constexpr std::chrono::milliseconds kBackOffMost = 5s;
// poll() takes an int of milliseconds, and every wait must end.
constexpr std::chrono::milliseconds kPollMost = 1h;
constexpr std::chrono::milliseconds kPollBlind = 100ms;

// A string in nats-server's configuration. A path may contain any byte except NUL.
std::string nats_string(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      quoted.append("\\x").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "\"";
}

PrivateDir dir_or_throw(std::variant<PrivateDir, PrivateDir::Fault> opened) {
  if (const auto* const fault = std::get_if<PrivateDir::Fault>(&opened)) {
    throw StartError("cannot use the data directory: " + fault->text +
                     ". See --data-dir, or use a running NATS with --nats");
  }
  return std::get<PrivateDir>(std::move(opened));
}

// bide accepts values up to 1 MiB. Larger ones must still arrive, so that they count as rejected.
std::string config_text(std::uint16_t port, const std::string& token, const std::string& store) {
  std::string text = "listen: \"127.0.0.1:" + std::to_string(port) + "\"\n";
  text += "authorization { token: \"" + token + "\" }\n";
  return text + "max_payload: 4MB\njetstream { store_dir: " + nats_string(store) + " }\n";
}

// Letters, digits, - and _: so it needs no quoting in a URL.
std::string read_cluster_secret(const std::filesystem::path& file) {
  constexpr std::string_view kExpected =
      "; --cluster-secret-file expects one line of 16 or more letters, digits, - and _";
  const auto read = read_small_file(file);
  if (const auto* problem = std::get_if<Unreadable>(&read)) {
    throw StartError(file.string() + ": cannot be read (" + problem->why + ")" +
                     std::string(kExpected));
  }
  std::string secret(secret_in(std::get<FileText>(read).text()));
  const bool plain = std::all_of(secret.begin(), secret.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
  if (secret.size() < 16 || !plain) {
    throw StartError(file.string() + ": not such a secret" + std::string(kExpected));
  }
  return secret;
}

// The addresses of the others' clients are not advertised: they are loopback, and have other
// tokens.
std::string cluster_text(const EmbeddedNats::Settings::Cluster& cluster, const std::string& name) {
  const std::string secret = read_cluster_secret(cluster.secret_file);
  std::string text = "server_name: \"bide-" + name + "\"\ncluster {\n  name: bide\n";
  text += "  listen: \"" + cluster.listen + "\"\n  no_advertise: true\n";
  text += "  authorization { user: bide, password: \"" + secret + "\", timeout: 5 }\n";
  text += "  routes: [\n";
  for (const std::string& peer : cluster.peers) {
    if (peer == cluster.listen) continue;
    text.append("    \"nats://bide:").append(secret).append("@").append(peer).append("\"\n");
  }
  return text + "  ]\n}\n";
}

// glibc 2.36 declares pidfd_open() without extern "C", so C++ cannot link with it.
int open_pid_fd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

std::ptrdiff_t environment_size() {
  std::ptrdiff_t size = 0;
  while (environ[size] != nullptr) ++size;
  return size;
}

// Blocks until the child has ended, and reaps it (true), or until `stop_fd` is readable (-1: never)
// or `patience` is over (false).
bool await_end(pid_t pid, int stop_fd, std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  const int pid_fd = open_pid_fd(pid);
  // No descriptor may be left, and sandboxes refuse this kind: then poll at intervals.
  const std::chrono::milliseconds most = pid_fd >= 0 ? kPollMost : kPollBlind;
  bool ended = false;
  bool over = false;
  while (!ended && !over) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const auto timeout = std::clamp(left, 0ms, most);
    std::array<pollfd, 2> watched{{{stop_fd, POLLIN, 0}, {pid_fd, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), static_cast<int>(timeout.count()));
    ended = ::waitpid(pid, nullptr, WNOHANG) != 0;
    over = (watched[0].revents & POLLIN) != 0 || left <= 0ms;
  }
  if (pid_fd >= 0) ::close(pid_fd);
  return ended;
}

// Between fork and exec only functions are allowed that are safe without the other threads.
[[noreturn]] void become_server(pid_t parent, int lock_fd, int log_fd, char* const* argv,
                                char* const* environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);  // bide died before PR_SET_PDEATHSIG was set.
  ::setpgid(0, 0);                        // Ctrl-C goes to bide, which then stops this child.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  // The lock is inherited, so that the directory is in use until this process has ended, too. All
  // other descriptors are closed, even if they lack O_CLOEXEC.
  constexpr int kLockFd = 3;
  if (lock_fd != kLockFd) ::dup2(lock_fd, kLockFd);
  ::fcntl(kLockFd, F_SETFD, 0);
  ::close_range(kLockFd + 1, ~0U, 0);
  ::execve(argv[0], argv, environment);
  ::_exit(127);
}

}  // namespace

EmbeddedNats::EmbeddedNats(Settings settings, Metrics& metrics)
    : settings_(std::move(settings)), metrics_(metrics) {}

EmbeddedNats::~EmbeddedNats() {
  stop();
  for (const int fd : {lock_fd_, log_fd_, stop_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

void EmbeddedNats::prepare() {
  std::copy_if(environ, environ + environment_size(), std::back_inserter(environment_),
               [](const char* entry) { return !std::string_view(entry).starts_with("BIDE_"); });
  environment_.push_back(nullptr);
  program_ = find_program(settings_.program);
  if (program_.empty()) {
    throw StartError(
        "there is no " + settings_.program + " in " + program_path() +
        "; install it (Debian: apt-get install nats-server), or use a running NATS with --nats");
  }
  const PrivateDir dir = dir_or_throw(PrivateDir::make(settings_.data_dir));
  lock_fd_ = lock_data_dir(dir, settings_.start_timeout);
  const PrivateDir nats = dir_or_throw(dir.make_inside("nats"));
  static_cast<void>(dir_or_throw(nats.make_inside("store")));
  config_path_ = nats.path_of("nats.conf");
  log_path_ = nats.path_of("nats.log");
  log_fd_ = open_log(nats, "nats.log");
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (stop_fd_ < 0) throw StartError(std::string("no event descriptor: ") + std::strerror(errno));
}

// With the port of last time, if that is free.
void EmbeddedNats::configure(const PrivateDir& nats) {
  const std::uint16_t port = choose_port(nats, "port");
  const std::string token = choose_token(nats, "token");
  std::string config = config_text(port, token, nats.path_of("store").string());
  if (!settings_.cluster.peers.empty()) {
    config += cluster_text(settings_.cluster, choose_token(nats, "name"));
  }
  replace_or_throw(nats, "nats.conf", config);
  url_ = "nats://" + token + "@127.0.0.1:" + std::to_string(port);
}

void EmbeddedNats::start() {
  prepare();
  const PrivateDir dir = dir_or_throw(PrivateDir::open(settings_.data_dir));
  const PrivateDir nats = dir_or_throw(dir.make_inside("nats"));
  for (int tries = 1;; ++tries) {
    configure(nats);
    supervisor_ = std::thread([this] { supervise(); });
    if (await_answer()) break;
    // Another program may take the port before nats-server does.
    const std::string said = tail_of(log_path_);
    if (tries == kPortsMost || said.find("address already in use") == std::string::npos) {
      throw StartError("nats-server ended at once; its log " + log_path_ + " ends with: " + said);
    }
    supervisor_.join();
    MutexLock lock(mutex_);
    state_ = State::kStarting;
  }
  replace_or_throw(dir, nats_url_file("").string(), url_ + "\n");
}

bool EmbeddedNats::await_answer() {
  const auto end = std::chrono::steady_clock::now() + settings_.start_timeout;
  const NatsConnection::Settings probe{
      .urls = url_, .name = "bide-start", .timeout = 500ms, .reconnect = false};
  while (std::chrono::steady_clock::now() < end) {
    {
      MutexLock lock(mutex_);
      if (state_ == State::kEnded) return false;
    }
    if (std::holds_alternative<std::shared_ptr<NatsConnection>>(NatsConnection::connect(probe))) {
      MutexLock lock(mutex_);
      state_ = State::kAnswers;
      return true;
    }
    MutexLock lock(mutex_);
    changed_.wait_until(mutex_, std::chrono::steady_clock::now() + 20ms);
  }
  throw StartError("nats-server did not answer within " +
                   std::to_string(settings_.start_timeout.count() / 1000) + " s; its log " +
                   log_path_ + " ends with: " + tail_of(log_path_));
}

void EmbeddedNats::supervise() {
  std::chrono::milliseconds back_off = kBackOffFirst;
  for (;;) {
    const auto started = std::chrono::steady_clock::now();
    const std::uintmax_t log_from = log_size(log_fd_);
    const pid_t pid = spawn();
    if (pid > 0 && !outlive(pid, log_from)) return terminate(pid);
    {
      MutexLock lock(mutex_);
      if (state_ == State::kStarting) {  // start() reports it.
        state_ = State::kEnded;
        changed_.notify_all();
        return;
      }
    }
    count(metrics_.nats_restarts);
    log_error("nats-server ended; starting it again", {{"log", std::string_view(log_path_)}});
    if (std::chrono::steady_clock::now() - started > 10s) back_off = kBackOffFirst;
    if (stopped_within(back_off)) return;
    back_off = std::min(back_off * 2, kBackOffMost);
  }
}

bool EmbeddedNats::outlive(pid_t pid, std::uintmax_t log_from) const {
  std::pair<TimePoint, Revision> heard;  // With the revision, because a long read is no silence.
  bool stores_nothing = false;           // Until its end.
  int bad_looks = 0;
  while (!await_end(pid, stop_fd_, settings_.silence_most / kBadLooksMost)) {
    if (stopped_within(0ms)) return false;
    reserve_log(log_fd_);
    stores_nothing = log_tells_write_error(log_path_, log_from) || stores_nothing;
    bool silent = false;
    if (settings_.contact != nullptr) {
      const auto before = std::exchange(
          heard, std::pair(settings_.contact->last_heard(), metrics_.revision_delivered.load()));
      silent = heard == before;
    }
    bad_looks = silent || stores_nothing ? bad_looks + 1 : 0;
    if (bad_looks < kBadLooksMost) continue;
    log_error(stores_nothing ? "nats-server stores nothing since a write failed, ending it; is its "
                               "disk full?"
                             : "nats-server has fallen silent, ending it; is its disk full?",
              {{"log", std::string_view(log_path_)}});
    if (!silent) {
      terminate(pid);
      return true;
    }
    ::kill(pid, SIGKILL);
    bad_looks = 0;
  }
  return true;
}

pid_t EmbeddedNats::spawn() const {
  static char flag[] = "-c";
  const std::array<char*, 4> argv = {const_cast<char*>(program_.c_str()), flag,
                                     const_cast<char*>(config_path_.c_str()), nullptr};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become_server(parent, lock_fd_, log_fd_, argv.data(), environment_.data());
  }
  return pid;
}

bool EmbeddedNats::stopped_within(std::chrono::milliseconds patience) const {
  pollfd watched{stop_fd_, POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(patience.count())) > 0;
}

void EmbeddedNats::terminate(pid_t pid) {
  ::kill(pid, SIGTERM);
  if (await_end(pid, -1, kTerminatePatience)) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

void EmbeddedNats::stop() {
  if (!supervisor_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof one);
  supervisor_.join();
}

}  // namespace bide
