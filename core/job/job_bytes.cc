#include "core/job/job_bytes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bide {
namespace {

constexpr std::size_t kStrings = 5;  // Of each PackedText.
constexpr std::uint8_t kAbsent = 2;  // StoredResponse::changed.

std::uint64_t number_of(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

WallTime time_of(std::uint64_t number) {
  return WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(number)));
}

void append_definition(std::string& out, const Definition& definition) {
  append_text(out, definition.created);
  append_text(out, definition.subject);
  append_text(out, definition.operation);
  append_text(out, definition.labels.text());
  append_number(out, definition.expected_agents.index());
  if (const auto* count = std::get_if<std::uint32_t>(&definition.expected_agents)) {
    append_number(out, *count);
  } else if (const auto* names =
                 std::get_if<std::vector<std::string>>(&definition.expected_agents)) {
    append_number(out, names->size());
    for (const std::string& name : *names) append_text(out, name);
  }
}

template <typename Stored>
void append_entries(std::string& out, const StoredEntries<Stored>& entries) {
  append_number(out, entries.size());
  Revision before = 0;
  for (const Stored& entry : entries) {
    append_number(out, entry.revision - before);
    before = entry.revision;
    if constexpr (std::is_same_v<Stored, StoredEvent>) {
      out += static_cast<char>(entry.kind);
      append_fixed(out, static_cast<std::uint64_t>(entry.unix_nano));
    } else if constexpr (std::is_same_v<Stored, StoredResponse>) {
      out += static_cast<char>(entry.changed ? std::uint8_t{*entry.changed} : kAbsent);
    }
    append_text(out, entry.text.template packed<kStrings>());
  }
}

decltype(Definition::expected_agents) read_expected(ByteReader& in) {
  const std::uint64_t kind = in.number();
  if (kind == 0) return {};
  const std::uint64_t count = in.number();
  if (kind == 1 && count <= UINT32_MAX) return static_cast<std::uint32_t>(count);
  std::vector<std::string> names;
  if (kind != 2) in.fail();
  // Sorted and unique, because they are searched.
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    std::string name(in.text());
    if (i > 0 && names.back() >= name) in.fail();
    names.push_back(std::move(name));
  }
  return names;
}

std::shared_ptr<const Definition> read_definition(ByteReader& in) {
  auto definition = std::make_shared<Definition>();
  definition->created = in.text();
  definition->subject = in.text();
  definition->operation = in.text();
  if (auto labels = Labels::of_text(in.text())) {
    definition->labels = *std::move(labels);
  } else {
    in.fail();
  }
  definition->expected_agents = read_expected(in);
  return definition;
}

std::optional<StoredEvent> read_entry(ByteReader& in, Revision revision, const StoredEvent*) {
  const std::uint8_t kind = in.byte();
  const auto unix_nano = static_cast<std::int64_t>(in.fixed());
  auto text = PackedText::of_packed<kStrings>(in.text());
  if (!text || kind > static_cast<std::uint8_t>(EventKind::kRetried)) return std::nullopt;
  StoredEvent event(revision, static_cast<EventKind>(kind), unix_nano, *std::move(text));
  // Which agent it is, Fold::begin_again() finds out.
  event.agent = event.hostname() == kSubmitterAgent ? StoredEvent::kSubmitter : 0;
  return event;
}

std::optional<StoredResponse> read_entry(ByteReader& in, Revision revision, const StoredResponse*) {
  const std::uint8_t changed = in.byte();
  auto text = PackedText::of_packed<kStrings>(in.text());
  if (!text || changed > kAbsent) return std::nullopt;
  return StoredResponse(revision, changed == kAbsent ? std::nullopt : std::optional(changed == 1),
                        *std::move(text));
}

std::optional<StoredProgress> read_entry(ByteReader& in, Revision revision, const StoredProgress*) {
  auto text = PackedText::of_packed<kStrings>(in.text());
  if (!text) return std::nullopt;
  return StoredProgress(revision, *std::move(text));
}

// Returns the bytes of the entries. `room`: how many there may be.
template <typename Stored>
std::size_t read_entries(ByteReader& in, Revision revision_max, std::size_t room,
                         StoredEntries<Stored>& entries) {
  const std::uint64_t count = in.number();
  if (count > room) in.fail();
  if (in.failed() || count == 0) return 0;
  entries.reserve(count);
  std::size_t bytes = 0;
  Revision revision = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.number();
    if (step == 0 || step > revision_max - revision) return in.fail();
    revision += step;
    auto entry = read_entry(in, revision, static_cast<const Stored*>(nullptr));
    if (!entry || entries.has_key_of(*entry)) return in.fail();
    bytes += bytes_of(*entry);
    (void)entries.insert(*std::move(entry));
  }
  return bytes;
}

}  // namespace

void append_job(std::string& out, const Job& job) {
  append_text(out, job.id());
  out += static_cast<char>(job.defined());
  append_number(out, job.definition_revision());
  append_number(out, job.revision());
  append_number(out, job.deleted_revision());
  append_fixed(out, number_of(job.written()));
  append_fixed(out, number_of(job.last_event()));
  if (job.defined()) append_definition(out, job.definition());
  append_entries(out, job.events());
  append_entries(out, job.responses());
  if (job.progress() != nullptr) {
    append_entries(out, *job.progress());
  } else {
    append_number(out, 0);
  }
}

std::string JobReader::read_id(ByteReader& in) {
  const std::string_view id = in.text();
  if (is_job_id(id)) return std::string(id);
  in.fail();
  return {};
}

bool JobReader::read(ByteReader& in, Revision revision_max, Job& job) {
  const std::uint8_t defined = in.byte();
  job.definition_revision_ = in.number();
  job.revision_ = in.number();
  job.deleted_revision_ = in.number();
  job.written_ = time_of(in.fixed());
  job.last_event_ = time_of(in.fixed());
  if (defined > 1) in.fail();
  if (defined == 1) job.definition_ = read_definition(in);
  std::size_t room = kEntriesPerJobMax;
  job.entry_bytes_ = read_entries(in, revision_max, room, job.events_);
  room -= job.events_.size();
  job.entry_bytes_ += read_entries(in, revision_max, room, job.responses_);
  room -= job.responses_.size();
  StoredEntries<StoredProgress> progress;
  job.entry_bytes_ += read_entries(in, revision_max, room, progress);
  if (!progress.empty()) {
    job.progress_ = std::make_unique<StoredEntries<StoredProgress>>(std::move(progress));
  }
  const Revision newest =
      std::max({job.definition_revision_, job.revision_, job.deleted_revision_});
  if (newest > revision_max || job.entry_bytes_ > kJobBytesMax || job.empty()) in.fail();
  if (in.failed()) return false;
  job.fold_.begin_again(nullptr, job.events_);
  if (job.defined()) job.fold_.redefine(*job.definition_, job.definition_revision_, job.events_);
  return true;
}

}  // namespace bide
