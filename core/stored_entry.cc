#include "core/stored_entry.h"

#include <algorithm>

#include "core/entity_tag.h"

namespace bide {
namespace {

KeyHash key_hash_of(std::string_view key_rest) { return static_cast<KeyHash>(hash_of(key_rest)); }

template <typename Entries>
auto find_key(Entries& entries, std::string_view key_rest) {
  const KeyHash hash = key_hash_of(key_rest);
  return std::find_if(entries.begin(), entries.end(), [&](const auto& held) {
    return held.key_hash == hash && held.key_rest() == key_rest;
  });
}

std::string join_key(EventKind kind, std::string_view agent, std::int64_t unix_nano) {
  std::string key(word_of(kind));
  key.append(".").append(agent).append(".").append(std::to_string(unix_nano));
  return key;
}

// What has to be kept of an event's key: nothing, or its agent where that is not the hostname (dots
// are not allowed in it), or all, which is told by its dots.
std::string_view kept_of(std::string_view key_rest, const Event& event) {
  const std::string regular = join_key(event.kind, event.hostname, event.unix_nano);
  if (key_rest == regular) return {};
  const std::size_t begin = std::min(key_rest.find('.'), key_rest.size() - 1) + 1;
  const std::string_view agent = key_rest.substr(begin, key_rest.find('.', begin) - begin);
  return key_rest == join_key(event.kind, agent, event.unix_nano) ? agent : key_rest;
}

PackedText pack(const Entry& entry, const Event& event) {
  return PackedText({event.hostname, kept_of(entry.key_rest, event), event.timestamp,
                     event.new_job_id, event.error});
}

PackedText pack(const Entry& entry, const Response& response) {
  return PackedText(
      {response.hostname, entry.key_rest, response.status, response.error, response.data});
}

}  // namespace

StoredEvent::StoredEvent(const Entry& entry)
    : revision(entry.revision),
      unix_nano(std::get<Event>(entry.what).unix_nano),
      text(pack(entry, std::get<Event>(entry.what))),
      key_hash(key_hash_of(entry.key_rest)),
      kind(std::get<Event>(entry.what).kind) {}

StoredResponse::StoredResponse(const Entry& entry)
    : revision(entry.revision),
      text(pack(entry, std::get<Response>(entry.what))),
      key_hash(key_hash_of(entry.key_rest)),
      changed(std::get<Response>(entry.what).changed) {}

std::string StoredEvent::key_rest() const {
  const std::string_view kept = text[1];
  if (kept.find('.') != kept.npos) return std::string(kept);
  return join_key(kind, kept.empty() ? hostname() : kept, unix_nano);
}

template <typename Stored>
Placed place(std::vector<Stored>& entries, const Entry& entry, bool room) {
  const bool takes_away = entry.takes_away();
  const auto held = find_key(entries, entry.key_rest);
  const bool replaces = held != entries.end();
  if (replaces && held->revision >= entry.revision) return Placed::kStale;
  if (!replaces && takes_away) return Placed::kNotHeld;
  if (!replaces && !room) return Placed::kFull;
  if (replaces) entries.erase(held);
  if (takes_away) return Placed::kRearranged;

  reserve_one_more(entries);
  const auto behind = [&](const Stored& other) { return other.revision <= entry.revision; };
  const auto at = std::find_if(entries.rbegin(), entries.rend(), behind).base();
  const bool last = at == entries.end();
  entries.emplace(at, entry);
  return last && !replaces ? Placed::kAppended : Placed::kRearranged;
}

template Placed place(std::vector<StoredEvent>&, const Entry&, bool);
template Placed place(std::vector<StoredResponse>&, const Entry&, bool);

}  // namespace bide
