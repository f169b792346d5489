#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <verge/platform/net/link/link_capacity.hpp>

namespace verge::net {
namespace {

constexpr double kBitsPerByte = 8;
constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

LinkCapacity::LinkCapacity(LinkTrace trace) : trace_(std::move(trace)) {
  const std::vector<LinkStep>& steps = trace_.steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    before_.push_back(round_bytes_);
    const double end = i + 1 < steps.size() ? steps[i + 1].time_s : trace_.period_s;
    // The last step of a trace without end may have bandwidth 0, and 0 * infinity is no number.
    if (steps[i].bandwidth_bps == 0) continue;
    round_bytes_ += (end - steps[i].time_s) * steps[i].bandwidth_bps / kBitsPerByte;
  }
}

LinkCapacity::Place LinkCapacity::place_of(double time_s) const {
  Place place{.rounds = 0, .time_s = time_s, .step = 0};
  if (std::isfinite(trace_.period_s)) {
    place.rounds = std::floor(time_s / trace_.period_s);
    place.time_s = std::clamp(time_s - place.rounds * trace_.period_s, 0.0, trace_.period_s);
  }
  const auto after = std::ranges::upper_bound(trace_.steps, place.time_s, {}, &LinkStep::time_s);
  place.step = static_cast<size_t>(after - trace_.steps.begin()) - 1;
  return place;
}

double LinkCapacity::bytes_by(double time_s) const {
  const Place place = place_of(time_s);
  const LinkStep& step = trace_.steps[place.step];
  const double within = (place.time_s - step.time_s) * step.bandwidth_bps / kBitsPerByte;
  const double rounds = place.rounds == 0 ? 0 : place.rounds * round_bytes_;
  return rounds + before_[place.step] + within;
}

double LinkCapacity::time_of(double bytes) const {
  if (bytes <= 0) return 0;
  double start = 0;
  if (std::isfinite(trace_.period_s)) {
    if (round_bytes_ == 0) return kNever;
    // The last byte of a round passes in it, not at the beginning of the next one.
    const double rounds = std::max(0.0, std::ceil(bytes / round_bytes_) - 1);
    start = rounds * trace_.period_s;
    bytes = std::min(bytes - rounds * round_bytes_, round_bytes_);
    if (bytes <= 0) return start;
  }
  // The last step before which fewer bytes have passed. One of bandwidth 0 adds none, so that it is
  // never that step, but at the end of a trace without repetition.
  const auto after = std::ranges::lower_bound(before_, bytes);
  const auto index = static_cast<size_t>(after - before_.begin()) - 1;
  const LinkStep& step = trace_.steps[index];
  if (step.bandwidth_bps == 0) return kNever;
  return start + step.time_s + (bytes - before_[index]) * kBitsPerByte / step.bandwidth_bps;
}

double LinkCapacity::up_from(double time_s) const {
  const Place place = place_of(time_s);
  const size_t count = trace_.steps.size();
  const bool repeats = std::isfinite(trace_.period_s);
  for (size_t i = place.step; i < count || (repeats && i <= place.step + count); ++i) {
    const LinkStep& step = trace_.steps[i % count];
    if (step.bandwidth_bps == 0) continue;
    if (i == place.step) return time_s;
    return std::max(time_s,
                    time_s - place.time_s + step.time_s + (i < count ? 0 : trace_.period_s));
  }
  return kNever;
}

double LinkCapacity::delay_at(double time_s) const {
  return trace_.steps[place_of(time_s).step].delay_s;
}

}  // namespace verge::net
