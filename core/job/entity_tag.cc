#include "core/job/entity_tag.h"

#define XXH_STATIC_LINKING_ONLY  // A state on the stack.
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

namespace bide {
namespace {

constexpr int kHashDigits = 16;

// The standard's conversions take twice as long for hex: they divide for each pair of digits.
char* put_hex(char* out, std::uint64_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    *out++ = "0123456789abcdef"[value >> static_cast<unsigned>(shift) & 15U];
  }
  return out;
}

int hex_digits_of(std::uint64_t value) {
  return value == 0 ? 1 : (static_cast<int>(std::bit_width(value)) + 3) / 4;
}

// The lower-case digits at the front of `text`, `digits_max` at most.
std::optional<std::uint64_t> take_hex(std::string_view& text, std::size_t digits_max) {
  std::uint64_t value = 0;
  std::size_t taken = 0;
  for (; taken < std::min(text.size(), digits_max); ++taken) {
    const char digit = text[taken];
    const bool decimal = digit >= '0' && digit <= '9';
    if (!decimal && (digit < 'a' || digit > 'f')) break;
    value = value << 4U | static_cast<unsigned>(digit - (decimal ? '0' : 'a' - 10));
  }
  if (taken == 0) return std::nullopt;
  text.remove_prefix(taken);
  return value;
}

std::optional<std::uint64_t> take_decimal(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_dash(std::string_view& text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

// A number without leading zeros, so that each value has one text.
bool is_padded(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && text[1] != '-';
}

void skip_ows(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// etagc = %x21 / %x23-7E / obs-text (RFC 9110 section 8.8.3): a backslash escapes nothing here.
bool is_etagc(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte <= 0x7E) || byte >= 0x80;
}

struct ListedTag {
  std::string_view opaque;  // The text between the quotes.
  bool weak = false;
};

// entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
std::optional<ListedTag> take_entity_tag(std::string_view& text) {
  const bool weak = text.starts_with("W/");
  if (weak) text.remove_prefix(2);
  if (!text.starts_with('"')) return std::nullopt;
  text.remove_prefix(1);
  const auto end = std::find_if_not(text.begin(), text.end(), is_etagc);
  const std::string_view opaque = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(opaque.size());
  if (!text.starts_with('"')) return std::nullopt;
  text.remove_prefix(1);
  return ListedTag{opaque, weak};
}

std::string_view without_coding(std::string_view text) {
  for (const std::string_view coding : {"gzip", "br", "zstd"}) {
    const std::size_t separator = text.size() - coding.size() - 1;
    if (text.size() <= coding.size() || !text.ends_with(coding)) continue;
    if (text[separator] == '-' || text[separator] == ';') return text.substr(0, separator);
  }
  return text;
}

}  // namespace

void append_opaque_tag(std::string& out, const EntityTag& tag) {
  std::array<char, kOpaqueTagBytesMax> text;
  char* end = put_hex(text.data(), tag.epoch, hex_digits_of(tag.epoch));
  *end++ = '-';
  end = std::to_chars(end, text.data() + text.size(), tag.revision).ptr;
  *end++ = '-';
  end = put_hex(end, tag.hash, kHashDigits);
  out.append(text.data(), end);
}

std::string opaque_tag(const EntityTag& tag) {
  std::string out;
  append_opaque_tag(out, tag);
  return out;
}

std::optional<EntityTag> parse_opaque_tag(std::string_view text) {
  if (is_padded(text)) return std::nullopt;
  const auto epoch = take_hex(text, 16);
  if (!epoch || !take_dash(text) || is_padded(text)) return std::nullopt;
  const auto revision = take_decimal(text);
  if (!revision || !take_dash(text) || text.size() != kHashDigits) return std::nullopt;
  const auto hash = take_hex(text, kHashDigits);
  if (!hash || !text.empty()) return std::nullopt;
  return EntityTag{*epoch, *revision, *hash};
}

std::optional<EntityTag> parse_received_tag(std::string_view text) {
  return parse_opaque_tag(without_coding(text));
}

std::uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// RFC 9110 spells the field `"*" / #entity-tag`: since RFC 7232's 1#, a list may also be empty.
// Recipients accept empty elements (section 5.6.1.2); the length of a request's head bounds them.
std::optional<ValidatorList> ValidatorList::parse(std::string_view field_value,
                                                  Comparison comparison) {
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
      const std::optional<ListedTag> listed = take_entity_tag(field_value);
      if (!listed) return std::nullopt;
      const std::optional<EntityTag> tag = parse_received_tag(listed->opaque);
      const bool counts = comparison == Comparison::kWeak || !listed->weak;
      if (tag && counts) list.tags_.push_back(*tag);
      skip_ows(field_value);
      if (!field_value.empty() && !field_value.starts_with(',')) return std::nullopt;
    }
    if (!field_value.empty()) field_value.remove_prefix(1);  // The comma.
    skip_ows(field_value);
  }
  return list;
}

std::uint64_t hash_of(const std::vector<std::string_view>& pieces) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const std::string_view piece : pieces) {
    XXH3_64bits_update(&state, piece.data(), piece.size());
  }
  return XXH3_64bits_digest(&state);
}

bool ValidatorList::matches(const EntityTag& current) const {
  return any_ || std::find(tags_.begin(), tags_.end(), current) != tags_.end();
}

bool ValidatorList::later_than(Epoch epoch, Revision revision) const {
  return std::any_of(tags_.begin(), tags_.end(),
                     [&](const EntityTag& tag) { return tag.later_than(epoch, revision); });
}

// They stay in the list, as tags of no epoch: a cursor is a tag, too, and must not disappear.
void ValidatorList::forget_later(Epoch epoch, Revision revision) {
  for (EntityTag& tag : tags_) {
    if (tag.later_than(epoch, revision)) tag = {};
  }
}

const EntityTag* ValidatorList::find_content(const EntityTag& current) const {
  const auto found = std::find_if(tags_.begin(), tags_.end(), [&](const EntityTag& tag) {
    return tag.epoch == current.epoch && tag.hash == current.hash;
  });
  return found == tags_.end() ? nullptr : &*found;
}

}  // namespace bide
