#include "client/command_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>

namespace bide {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal_number : signals) sigaddset(&set, signal_number);
  return set;
}

sigset_t watched_signals() {
  return set_of(
      {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH, SIGCHLD});
}

bool ends_process(int signal_number) {
  return signal_number == SIGHUP || signal_number == SIGINT || signal_number == SIGQUIT ||
         signal_number == SIGTERM;
}

// Sends it to bide, or to its whole group (0), and lets it have its effect on bide, which may be
// none.
void suffer(int signal_number, pid_t target) {
  ::kill(target, signal_number);
  const sigset_t one = set_of({signal_number});
  ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
}

}  // namespace

CommandProcess::CommandProcess() {
  const sigset_t watched = watched_signals();
  sigset_t blocked = watched;
  // Writing to a closed connection must not end bide. tcsetpgrp() by a group in the background
  // raises SIGTTOU.
  for (const int signal_number : {SIGPIPE, SIGTTIN, SIGTTOU}) sigaddset(&blocked, signal_number);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &mask_);
  // If SIGCHLD is ignored, as by some parents, the kernel throws exit statuses away.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, &on_child_);
  signal_fd_ = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  terminal_ = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

CommandProcess::~CommandProcess() {
  for (const int fd : {signal_fd_, terminal_}) {
    if (fd >= 0) ::close(fd);
  }
}

int CommandProcess::start(const std::vector<std::string>& command, Streams streams) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::array<int, 2> failure{};
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) return errno;
  had_terminal_ = is_foreground() && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;

  const pid_t pid = ::fork();
  if (pid < 0) {
    const int reason = errno;
    for (const int fd : failure) ::close(fd);
    return reason;
  }
  if (pid == 0) {
    ::setpgid(0, 0);
    if (had_terminal_) ::tcsetpgrp(terminal_, ::getpid());
    if (streams.out >= 0) ::dup2(streams.out, STDOUT_FILENO);
    if (streams.err >= 0) ::dup2(streams.err, STDERR_FILENO);
    ::sigaction(SIGCHLD, &on_child_, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    ::execvp(words.front(), words.data());
    const int reason = errno;
    static_cast<void>(::write(failure[1], &reason, sizeof reason) == sizeof reason);
    ::_exit(127);
  }
  ::setpgid(pid, pid);  // In both, because either may be first.
  pid_ = pid;
  ::close(failure[1]);
  int reason = 0;
  ssize_t count = 0;
  do {
    count = ::read(failure[0], &reason, sizeof reason);
  } while (count < 0 && errno == EINTR);
  ::close(failure[0]);
  if (count != sizeof reason) return 0;
  ::waitpid(pid, nullptr, 0);
  take_back_terminal();
  end_ = End{.code = 127, .signal = 0, .when = std::chrono::system_clock::now()};
  return reason;
}

void CommandProcess::take_signals() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof info) == sizeof info) {
    take_signal(static_cast<int>(info.ssi_signo));
  }
}

void CommandProcess::take_signal(int signal_number) {
  if (signal_number == SIGCHLD) return reap();
  if (end_) {
    interrupted_ = interrupted_ || ends_process(signal_number);
    return;
  }
  if (signal_number == SIGINT || signal_number == SIGQUIT) received_ = signal_number;
  // The shell has put bide into the foreground again.
  if (signal_number == SIGCONT && had_terminal_ && is_foreground()) hand_over_terminal();
  ::kill(-pid_, signal_number);
}

// Takes all: as process 1 of a container bide also inherits the orphans.
void CommandProcess::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
    if (pid != pid_ || end_) continue;
    if (WIFSTOPPED(status)) {
      on_stopped(WSTOPSIG(status));
      continue;
    }
    const int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end_ = End{.code = signal_number != 0 ? 128 + signal_number : WEXITSTATUS(status),
               .signal = signal_number,
               .when = std::chrono::system_clock::now()};
    had_terminal_ = take_back_terminal();
  }
}

void CommandProcess::on_stopped(int signal_number) {
  const bool for_terminal = signal_number == SIGTTIN || signal_number == SIGTTOU;
  // A command that somebody has stopped by SIGSTOP is continued by the same.
  if (terminal_ < 0 || !(for_terminal || signal_number == SIGTSTP)) return;
  if (!for_terminal || !is_foreground()) {
    suffer(signal_number, 0);  // Returns when this process is continued.
    // Still in the background, where the command would only be stopped again.
    if (for_terminal && !is_foreground()) return;
  }
  if ((for_terminal || had_terminal_) && is_foreground()) hand_over_terminal();
  ::kill(-pid_, SIGCONT);
}

bool CommandProcess::is_foreground() const {
  return terminal_ >= 0 && ::tcgetpgrp(terminal_) == ::getpgrp();
}

void CommandProcess::hand_over_terminal() {
  ::tcsetpgrp(terminal_, pid_);
  had_terminal_ = true;
}

bool CommandProcess::take_back_terminal() {
  return terminal_ >= 0 && ::tcgetpgrp(terminal_) == pid_ &&
         ::tcsetpgrp(terminal_, ::getpgrp()) == 0;
}

void CommandProcess::share_interrupt() const {
  if (terminal_ < 0 || !end_ || (end_->signal != SIGINT && end_->signal != SIGQUIT)) return;
  if (!had_terminal_ && received_ != end_->signal) return;
  const rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // If the command was in the background, the terminal has sent it to this group.
  suffer(end_->signal, had_terminal_ ? 0 : ::getpid());
}

}  // namespace bide
