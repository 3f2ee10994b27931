#include "core/job/patch.h"

#include <algorithm>
#include <set>
#include <utility>

namespace bide {
namespace {

// RFC 6901 section 3: `~` and `/` in a name are escaped. JsonText escapes the rest.
std::string pointer_to(std::string_view parent, std::string_view name) {
  std::string pointer(parent);
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

class PatchText {
 public:
  PatchText() { json_.begin_array(); }

  // `add` replaces a member that exists (RFC 6902 section 4.1).
  template <typename Write>
  void add(std::string_view path, Write&& write_value) {
    json_.begin_object();
    json_.member("op", "add");
    json_.member("path", path);
    json_.key("value");
    write_value(json_);
    json_.end_object();
  }
  void add_string(std::string_view path, std::string_view value) {
    add(path, [&](JsonText& json) { json.string(value); });
  }
  void add_raw(std::string_view path, std::string_view value) {
    add(path, [&](JsonText& json) { json.raw(value); });
  }
  void add_boolean(std::string_view path, bool value) { add_raw(path, value ? "true" : "false"); }
  void remove(std::string_view path) {
    json_.begin_object();
    json_.member("op", "remove");
    json_.member("path", path);
    json_.end_object();
  }
  // A string that is absent if it is empty. `was`: it is there now.
  void set_string(std::string_view path, std::string_view value, bool was) {
    if (!value.empty()) {
      add_string(path, value);
    } else if (was) {
      remove(path);
    }
  }

  // Line ends occur only between JSON tokens, because strings escape them.
  [[nodiscard]] std::string take() {
    json_.end_array();
    std::string text = json_.take();
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text;
  }

 private:
  JsonText json_;
};

// Calls `use` for the entries behind that revision, newest first.
template <typename Stored, typename Use>
void for_each_since(const StoredEntries<Stored>& entries, Revision since, Use&& use) {
  for (EntryPlace place = entries.places(); place > 0; --place) {
    if (entries.vacant(place - 1)) continue;
    if (entries[place - 1].revision <= since) return;
    use(entries[place - 1]);
  }
}

// The agents whose state has changed.
std::set<std::string_view> agents_since(const Job& job, Revision since) {
  std::set<std::string_view> names;
  for_each_since(job.events(), since, [&](const StoredEvent& event) {
    if (event.agent != StoredEvent::kSubmitter && rank_of(event.kind) > 0) {
      names.insert(event.hostname());
    }
  });
  if (job.progress() != nullptr) {
    for_each_since(*job.progress(), since,
                   [&](const StoredProgress& progress) { names.insert(progress.hostname()); });
  }
  return names;
}

// All agents as one: the name of the one that is shown.
std::optional<std::string_view> sole_agent(const JobParts& parts) {
  if (!parts.agents.empty()) return parts.agents[0].told_by->hostname();
  if (!parts.progress.empty()) return parts.progress.begin()->first;
  return std::nullopt;
}

void patch_agents(PatchText& patch, const Job& job, const JobParts& parts, const PatchBase& base) {
  constexpr std::string_view kPath = "/agent_states";
  constexpr std::string_view kMembers = "/agent_states/";
  std::set<std::string_view> names = agents_since(job, base.revision);
  if (names.empty()) return;
  if (!base.outline.agent_states) patch.add_raw(kPath, "{}");
  if (job.fold().as_one()) {
    names = {*sole_agent(parts)};
    const std::optional<std::string>& before = base.outline.sole_agent;
    if (before && *before != *names.begin()) patch.remove(pointer_to(kMembers, *before));
  }
  for (const std::string_view name : names) {
    const auto progress = parts.progress.find(name);
    patch.add(pointer_to(kMembers, name), [&](JsonText& json) {
      write_agent(json, parts.find_agent(name),
                  progress != parts.progress.end() ? progress->second : nullptr);
    });
  }
}

void patch_responses(PatchText& patch, const JobParts& parts, const PatchBase& base) {
  const Outline& was = base.outline;
  bool exists = was.responses;
  bool news = false;
  for (const auto& [name, response] : parts.responses) {
    if (response->revision <= base.revision) continue;
    news = true;
    if (!std::exchange(exists, true)) patch.add_raw("/responses", "{}");
    patch.add(pointer_to("/responses/", name),
              [&, value = response](JsonText& json) { write_response(json, *value); });
  }
  if (!news) return;
  if (!parts.result().empty()) {
    patch.add_raw("/result", parts.result());
  } else if (was.result) {
    patch.remove("/result");
  }
  const std::optional<bool> changed = parts.changed();
  if (changed == was.changed) return;
  if (changed) {
    patch.add_boolean("/changed", *changed);
  } else {
    patch.remove("/changed");
  }
}

// Each is inserted where it stands in the end. All that stand before it are there by then.
void patch_timeline(PatchText& patch, const JobParts& parts, const PatchBase& base) {
  if (parts.timeline.empty()) return;
  if (!base.outline.timeline) patch.add_raw("/timeline", "[]");
  std::string scratch;
  for (std::size_t i = 0; i < parts.timeline.size(); ++i) {
    const StoredEvent& event = *parts.timeline[i];
    if (event.revision <= base.revision) continue;
    patch.add("/timeline/" + std::to_string(i),
              [&](JsonText& json) { write_event(json, event, scratch); });
  }
  const StoredEvent& last = *parts.timeline.back();
  if (last.revision > base.revision) {
    patch.set_string("/updated_at", last.timestamp(), base.outline.updated_at);
  }
}

std::string_view inside(std::string_view array) { return array.substr(1, array.size() - 2); }

}  // namespace

Outline outline_of(const Job& job, const JobParts& parts) {
  Outline outline;
  outline.timeline = !parts.timeline.empty();
  outline.updated_at = outline.timeline && !parts.timeline.back()->timestamp().empty();
  outline.hostname = parts.terminal != nullptr && !parts.terminal->hostname().empty();
  outline.error = parts.terminal != nullptr && !parts.terminal->error().empty();
  outline.result = !parts.result().empty();
  outline.responses = !parts.responses.empty();
  outline.agent_states = !parts.agents.empty() || !parts.progress.empty();
  outline.changed = parts.changed();
  if (job.fold().as_one()) outline.sole_agent = sole_agent(parts);
  return outline;
}

std::string write_patch(const Job& job, const JobParts& parts, bool final, const PatchBase& base) {
  PatchText patch;
  if (job.status() != base.status) patch.add_string("/status", word_of(job.status()));
  if (final != base.final) patch.add_boolean("/final", final);
  if (parts.terminal != nullptr && parts.terminal->revision > base.revision) {
    patch.set_string("/hostname", parts.terminal->hostname(), base.outline.hostname);
    patch.set_string("/error", parts.terminal->error(), base.outline.error);
  }
  patch_responses(patch, parts, base);
  patch_agents(patch, job, parts, base);
  patch_timeline(patch, parts, base);
  if (job.revision() != base.revision) {
    patch.add_raw("/revision", std::to_string(job.revision()));
  }
  return patch.take();
}

PatchChain::PatchChain(Outline outline, const PatchChain& before, Patch patch,
                       std::size_t bytes_max)
    : outline_(std::move(outline)), text_bytes_(before.text_bytes_ + patch.text.size()) {
  auto first = before.patches_.begin();
  while (first != before.patches_.end() &&
         (text_bytes_ > bytes_max || before.patches_.end() - first >= long{kPatchesMax})) {
    text_bytes_ -= (*first++)->text.size();
  }
  if (text_bytes_ > bytes_max) {
    text_bytes_ = 0;
    return;
  }
  patches_.reserve(static_cast<std::size_t>(before.patches_.end() - first) + 1);
  patches_.assign(first, before.patches_.end());
  patches_.push_back(std::make_shared<const Patch>(std::move(patch)));
}

std::string_view PatchChain::find(const EntityTag& from, std::string& joined) const {
  std::size_t bytes = 0;
  for (auto at = patches_.rbegin(); at != patches_.rend(); ++at) {
    bytes += (*at)->text.size();
    if ((*at)->from != from) continue;
    if (at == patches_.rbegin()) return (*at)->text;
    if (bytes > kJoinedBytesMax) return {};
    joined.reserve(bytes);
    joined = "[";
    for (auto one = at.base() - 1; one != patches_.end(); ++one) {
      if (joined.size() > 1) joined += ',';
      joined += inside((*one)->text);
    }
    joined += ']';
    return joined;
  }
  return {};
}

std::size_t PatchChain::bytes() const {
  return sizeof(PatchChain) + text_bytes_ +
         patches_.size() * (sizeof(Patch) + sizeof(std::shared_ptr<const Patch>));
}

}  // namespace bide
