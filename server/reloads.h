// server/reloads.h: What is read again while the server runs: tokens, keys, certificates. By SIGHUP
// everything, and by itself whatever of it has changed.
//
// Thread safety: none; one thread owns it (that which waits for signals).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/files/watched_files.h"

namespace bide {

class Reloads {
 public:
  // Reads anew. The string: why that cannot be used; what was in force stays so.
  using Reload = std::function<std::optional<std::string>()>;

  // `what`: for the log, such as "tokens".
  void add(std::string what, std::vector<std::filesystem::path> files, Reload reload);

  // SIGHUP.
  void reload_all();
  // To be called every second.
  void reload_changed();

 private:
  struct Source {
    std::string what;
    WatchedFiles files;
    Reload reload;
  };
  static void run(const Source& source);

  std::vector<Source> all_;
};

}  // namespace bide
