#include "server/nats/resume.h"

#include <algorithm>

namespace bide {
namespace {

// If keys are overwritten all the time, hardly any report can be compared.
constexpr int kReportsMax = 50;

}  // namespace

Resume::Resume(const Place& place, const BucketState& start)
    : place_(place), end_(std::max(place.revision, start.last_seq)), there_(place.anchors.size()) {}

Resume::Reason Resume::deliver(const StreamCheck::Delivery& delivery, bool held) {
  const Revision before = std::exchange(reached_, std::max(reached_, delivery.revision));
  if (!is_new(delivery)) {
    const auto& anchors = place_.anchors;
    const auto at = std::find_if(anchors.begin(), anchors.end(), [&](const Anchor& anchor) {
      return anchor.revision == delivery.revision;
    });
    if (at == anchors.end() || *at != delivery.anchor()) return Reason::kOtherEntries;
    there_[static_cast<std::size_t>(at - anchors.begin())] = true;
    return Reason::kNone;
  }
  ++tail_;
  const bool skips = delivery.revision > before + 1;
  // See StreamCheck::deliver().
  const bool removes = delivery.rollup == Rollup::kAll;
  if (removes || (delivery.rollup != Rollup::kNone && skips)) return Reason::kLeft;
  if (keys_.insert(delivery.key).second && !held) ++new_keys_;
  if (report_ && skips && !ask_again()) return Reason::kUnproven;
  return conclude();
}

Resume::Reason Resume::pass(Revision looked_through) {
  if (looked_through <= reached_) return Reason::kNone;
  reached_ = looked_through;
  if (report_ && !ask_again()) return Reason::kUnproven;
  return Reason::kNone;
}

Resume::Reason Resume::judge(const BucketState& report) {
  if (report.epoch != place_.bucket.epoch) return Reason::kRecreated;
  if (!report.keeps_as(place_.bucket)) return Reason::kConfigured;
  const bool behind = report.last_seq < std::max(reached_, place_.revision);
  if (behind && !report.has_replicas) return Reason::kRolledBack;
  if (behind) return Reason::kNone;  // The caller's patience ends.
  report_ = report;
  return conclude();
}

// Another report is needed, because of entries that were delivered or gone since the last one.
bool Resume::ask_again() {
  report_.reset();
  return ++reports_ < kReportsMax;
}

Resume::Reason Resume::conclude() {
  if (!report_ || reached_ < report_->last_seq) return Reason::kNone;
  if (std::find(there_.begin(), there_.end(), true) == there_.end()) return Reason::kUnproven;
  // What expires, or a full bucket drops, leaves at the stream's beginning.
  const bool let_go = report_->lets_go() && report_->first_seq != place_.bucket.first_seq;
  counted_ = place_.keys && !let_go;
  if (counted_ && *place_.keys + new_keys_ != report_->entries) return Reason::kLeft;
  // In a cluster, what has replaced an anchor may be later than the report.
  if (!anchors_hold()) return ask_again() ? Reason::kNone : Reason::kLeft;
  proven_ = true;
  return Reason::kNone;
}

bool Resume::anchors_hold() const {
  for (std::size_t i = 0; i < there_.size(); ++i) {
    const Anchor& anchor = place_.anchors[i];
    const bool expired = report_->lets_go() && anchor.revision < report_->first_seq;
    if (!there_[i] && !expired && !keys_.contains(anchor.key)) return false;
  }
  return true;
}

}  // namespace bide
