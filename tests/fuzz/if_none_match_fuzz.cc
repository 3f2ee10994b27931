// Entity tags and lists of them: what is read and printed again is read as the same, and two lists
// with a comma between them are one.
//
// Input: the value of If-None-Match; also taken as an opaque tag.
#include <string>

#include "core/job/entity_tag.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

std::string print(const ValidatorList& list) {
  if (list.any()) return "*";
  std::string out;
  for (const EntityTag& tag : list.tags()) {
    out += out.empty() ? "" : ", ";
    out += tag.revision % 2 == 0 ? "" : "W/";
    out += '"' + opaque_tag(tag) + '"';
  }
  return out;
}

void check_list(const ValidatorList& list) {
  const auto again = ValidatorList::parse(print(list));
  demand(again && again->any() == list.any() && again->tags() == list.tags(), "printed and read");
  demand(list.empty() == (!list.any() && list.tags().empty()), "empty");
  demand(!list.any() || list.tags().empty(), "either any or tags");
  for (const EntityTag& tag : list.tags()) {
    demand(list.matches(tag) && list.matches_content(tag), "a list matches its tags");
    demand(opaque_tag(tag).size() <= kOpaqueTagBytesMax, "a tag's length");
    EntityTag other = tag;
    ++other.revision;
    demand(list.matches_content(other), "content is matched whatever the revision");
    const EntityTag* const found = list.find_content(other);
    demand(found != nullptr && found->hash == tag.hash && found->epoch == tag.epoch, "and found");
  }
}

void check_joined(std::string_view left, std::string_view right) {
  const auto one = ValidatorList::parse(left);
  const auto two = ValidatorList::parse(right);
  if (!one || !two || one->any() || two->any()) return;
  const auto both = ValidatorList::parse(std::string(left) + ',' + std::string(right));
  demand(both.has_value(), "two lists joined are a list");
  auto tags = one->tags();
  tags.insert(tags.end(), two->tags().begin(), two->tags().end());
  demand(both->tags() == tags, "of the tags of both");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value = text_of(data, size);
  const auto list = ValidatorList::parse(value);
  if (list) check_list(*list);
  const auto strong = ValidatorList::parse(value, Comparison::kStrong);
  demand(strong.has_value() == list.has_value(), "both comparisons have one grammar");
  demand(!strong || strong->tags().size() <= list->tags().size(), "strong matches no more");
  if (const auto tag = parse_opaque_tag(value)) {
    demand(opaque_tag(*tag) == value, "a tag has one spelling");
    demand(parse_received_tag(value) == tag, "bide's own spelling is received");
    demand(parse_received_tag(std::string(value) + "-gzip") == tag, "a suffix is ignored");
  }
  if (size > 1) check_joined(value.substr(0, data[0] % size), value.substr(data[0] % size));
  return 0;
}
