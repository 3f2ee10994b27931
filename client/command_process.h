// client/command_process.h: A command that bide runs, and the signals and the terminal that both
// share.
//
// The command is in a process group of its own, with bide's environment, descriptors, signal
// dispositions and mask, as if bide were not there. If bide is killed, it runs on.
//
// Signals to bide are passed on to that group. On a terminal, the group becomes the foreground
// group: at once if stdin and stdout are the terminal, else when the command first reads from the
// terminal or sets its modes. (In `bide run -- make | less` the pager needs the terminal.) If the
// terminal stops the command (^Z), bide stops, too, so that the shell takes the terminal back;
// continued, it continues the command.
//
// Thread safety: one thread, and only one object in a process: it blocks signals for the process's
// life. To be created before other threads, which inherit the blocked signals.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"

namespace bide {

class CommandProcess {
 public:
  CommandProcess();
  ~CommandProcess();
  CommandProcess(const CommandProcess&) = delete;
  CommandProcess& operator=(const CommandProcess&) = delete;

  struct Streams {
    int out = -1;  // -1: bide's own.
    int err = -1;
  };
  // Blocks until the command's program runs. Not 0: it cannot be started; the value of errno.
  [[nodiscard]] int start(const std::vector<std::string>& command, Streams streams);

  // Readable when take_signals() has something to do.
  [[nodiscard]] int signal_fd() const { return signal_fd_; }
  // Handles all signals that have arrived. May stop this process until it is continued.
  void take_signals();

  struct End {
    int code = 0;    // What a shell would report: the exit status, or 128 + signal.
    int signal = 0;  // 0: it has exited.
    WallTime when{};
  };
  // nullopt: it runs.
  [[nodiscard]] const std::optional<End>& end() const { return end_; }
  // A signal that should end this process has arrived after the command's end.
  [[nodiscard]] bool interrupted() const { return interrupted_; }

  // If ^C or ^\ on a terminal has ended the command, ends this process by the same signal, and its
  // group, too, if the terminal has sent the signal to the command's group only; otherwise returns.
  // Shells end a script on ^C only if they get it, and if the command in the script was ended by
  // it.
  void share_interrupt() const;

 private:
  void take_signal(int signal_number);
  void reap();
  void on_stopped(int signal_number);
  [[nodiscard]] bool is_foreground() const;  // bide's group, not the command's.
  void hand_over_terminal();
  bool take_back_terminal();

  sigset_t mask_{};  // As bide was started.
  struct sigaction on_child_ {};
  int signal_fd_ = -1;
  int terminal_ = -1;
  pid_t pid_ = 0;  // 0: not started.
  bool had_terminal_ = false;
  bool interrupted_ = false;
  int received_ = 0;  // SIGINT or SIGQUIT, if this process got one that the command got from it.
  std::optional<End> end_;
};

}  // namespace bide
