#include "core/entity_tag.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace bide {
namespace {

constexpr std::size_t kHashDigits = 16;

void append_number(std::string& out, std::uint64_t value, int base, std::size_t width) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  const auto length = static_cast<std::size_t>(end - digits.data());
  if (length < width) out.append(width - length, '0');
  out.append(digits.data(), length);
}

// The number up to the next `-`, or up to the end; both are taken.
std::optional<std::uint64_t> take_number(std::string_view& text, int base) {
  std::uint64_t value = 0;
  const std::string_view part = text.substr(0, text.find('-'));
  const char* const end = part.data() + part.size();
  const auto [ptr, error] = std::from_chars(part.data(), end, value, base);
  if (error != std::errc() || ptr != end) return std::nullopt;
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return value;
}

void skip_ows(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// etagc = %x21 / %x23-7E / obs-text (RFC 9110 section 8.8.3): a backslash escapes nothing here.
bool is_etagc(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte <= 0x7E) || byte >= 0x80;
}

// entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE; what stands between the quotes.
std::optional<std::string_view> take_entity_tag(std::string_view& text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (!text.starts_with('"')) return std::nullopt;
  text.remove_prefix(1);
  const auto end = std::find_if_not(text.begin(), text.end(), is_etagc);
  const std::string_view opaque = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(opaque.size());
  if (!text.starts_with('"')) return std::nullopt;
  text.remove_prefix(1);
  return opaque;
}

}  // namespace

std::string opaque_tag(const EntityTag& tag) {
  std::string out;
  append_number(out, tag.epoch, 16, 1);
  out += '-';
  append_number(out, tag.revision, 10, 1);
  out += '-';
  append_number(out, tag.hash, 16, kHashDigits);
  return out;
}

std::optional<EntityTag> parse_opaque_tag(std::string_view text) {
  std::string_view rest = text;
  const auto epoch = take_number(rest, 16);
  if (!epoch) return std::nullopt;
  const auto revision = take_number(rest, 10);
  if (!revision) return std::nullopt;
  const auto hash = take_number(rest, 16);
  if (!hash) return std::nullopt;
  const EntityTag tag{*epoch, *revision, *hash};
  // Writing it again is the shortest proof that upper case, padding and leftovers are absent.
  if (opaque_tag(tag) != text) return std::nullopt;
  return tag;
}

std::uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// RFC 9110 spells the field `"*" / #entity-tag`: since RFC 7232's 1#, a list may also be empty.
// Recipients accept empty elements (section 5.6.1.2); the length of a request's head bounds them.
std::optional<ValidatorList> ValidatorList::parse(std::string_view field_value) {
  ValidatorList list;
  skip_ows(field_value);
  if (field_value.starts_with('*')) {
    field_value.remove_prefix(1);
    skip_ows(field_value);
    if (!field_value.empty()) return std::nullopt;
    list.any_ = true;
    return list;
  }
  while (!field_value.empty()) {
    if (!field_value.starts_with(',')) {
      const std::optional<std::string_view> opaque = take_entity_tag(field_value);
      if (!opaque) return std::nullopt;
      if (const auto tag = parse_opaque_tag(*opaque)) list.tags_.push_back(*tag);
      skip_ows(field_value);
      if (!field_value.empty() && !field_value.starts_with(',')) return std::nullopt;
    }
    if (!field_value.empty()) field_value.remove_prefix(1);  // The comma.
    skip_ows(field_value);
  }
  return list;
}

bool ValidatorList::matches(const EntityTag& current) const {
  return any_ || std::find(tags_.begin(), tags_.end(), current) != tags_.end();
}

}  // namespace bide
