#include "server/reloads.h"

#include <utility>

#include "server/log/log.h"

namespace bide {

void Reloads::add(std::string what, std::vector<std::filesystem::path> files, Reload reload) {
  all_.push_back({std::move(what), WatchedFiles(std::move(files)), std::move(reload)});
}

void Reloads::reload_all() {
  for (Source& source : all_) {
    static_cast<void>(source.files.take_changed());  // Read right now.
    run(source);
  }
}

void Reloads::reload_changed() {
  for (Source& source : all_) {
    if (!source.files.take_changed().empty()) run(source);
  }
}

void Reloads::run(const Source& source) {
  if (const std::optional<std::string> trouble = source.reload()) {
    return log_error("reading anew failed, the old ones stay in force",
                     {{"what", std::string_view(source.what)}, {"error", *trouble}});
  }
  log_info("read anew", {{"what", std::string_view(source.what)}});
}

}  // namespace bide
