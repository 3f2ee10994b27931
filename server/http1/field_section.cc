#include "server/http1/field_section.h"

#include "server/http/byte_class.h"

namespace bide {
namespace {

using SectionState = FieldSectionScan::State;

// What a line may begin with: a name, or the CR of the section's end.
Refusal begin_line(char byte, FieldSectionScan& scan) {
  if (byte == '\r') {
    scan.state = SectionState::kEndLf;
    return {};
  }
  // Folding (RFC 9112 section 5.2) and a space before the first field (section 2.2) look the same
  // here, and proxies have disagreed about both.
  if (byte == ' ' || byte == '\t') return {400, "line that begins with a space"};
  if (!is(byte, kTokenByte)) return bad_byte(byte, "malformed field name");
  if (scan.fields == kFieldsMax) return {431, "more than 100 fields"};
  ++scan.fields;
  scan.state = SectionState::kName;
  return {};
}

// The byte after a run that the state allows.
Refusal take_byte(char byte, FieldSectionScan& scan) {
  switch (scan.state) {
    case SectionState::kLineStart:
      return begin_line(byte, scan);
    case SectionState::kName:
      // Section 5.1: a space before the colon has been read as part of the name, and as none.
      if (byte != ':') return bad_byte(byte, "malformed field name");
      scan.state = SectionState::kValue;
      return {};
    case SectionState::kValue:
      if (byte != '\r') return bad_byte(byte, "malformed field value");
      scan.state = SectionState::kValueLf;
      return {};
    case SectionState::kValueLf:
    case SectionState::kEndLf:
      if (byte != '\n') return kBareCr;
      scan.state =
          scan.state == SectionState::kEndLf ? SectionState::kDone : SectionState::kLineStart;
      return {};
    case SectionState::kDone:
      break;
  }
  return {};
}

std::size_t run_in_state(std::string_view text, SectionState state) {
  if (state == SectionState::kName) return run_of(text, kTokenByte);
  if (state == SectionState::kValue) return run_of(text, kFieldByte);
  return 0;
}

}  // namespace

Taken scan_fields(std::string_view fresh, FieldSectionScan& scan) {
  // Nothing beyond the limit is looked at, so what lies there cannot change the verdict.
  const std::string_view window = fresh.substr(0, kHeadBytesMax - scan.bytes);
  std::size_t taken = 0;
  Refusal refusal;
  while (taken < window.size() && !scan.done() && !refusal) {
    taken += run_in_state(window.substr(taken), scan.state);
    if (taken < window.size()) refusal = take_byte(window[taken++], scan);
  }
  scan.bytes = static_cast<std::uint16_t>(scan.bytes + taken);
  if (!refusal && !scan.done() && scan.bytes == kHeadBytesMax) {
    refusal = {431, "head longer than 24576 bytes"};
  }
  return {taken, refusal};
}

}  // namespace bide
