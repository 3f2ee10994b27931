#include "server/reloads.h"

#include <utility>

#include "server/log/log.h"

namespace bide {

void Reloads::add(std::string what, std::vector<std::filesystem::path> files, Reload reload) {
  all_.push_back({std::move(what), WatchedFiles(std::move(files)), std::move(reload)});
}

void Reloads::reload_all() {
  for (Reloadable& reloadable : all_) {
    static_cast<void>(reloadable.files.take_changed());  // Read right now.
    run(reloadable);
  }
}

void Reloads::reload_changed() {
  for (Reloadable& reloadable : all_) {
    if (!reloadable.files.take_changed().empty()) run(reloadable);
  }
}

void Reloads::run(const Reloadable& reloadable) {
  if (const std::optional<std::string> trouble = reloadable.reload()) {
    return log_error("reading anew failed, the old ones stay in force",
                     {{"what", std::string_view(reloadable.what)}, {"error", *trouble}});
  }
  log_info("read anew", {{"what", std::string_view(reloadable.what)}});
}

}  // namespace bide
