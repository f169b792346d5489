#include <algorithm>
#include <cmath>
#include <utility>

#include <verge/platform/net/link/link_model.hpp>

namespace verge::net {
namespace {

constexpr double kMostLoss = 0.9;
constexpr double kMostSeconds = 1e6;

Status check_range(const char* option, double value, double most) {
  if (value >= 0 && value <= most) return {};
  return make_error(Code::InvalidArgument, "link: {} is {}; it lies between 0 and {}", option,
                    value, most);
}

}  // namespace

Result<LinkModel> LinkModel::make(LinkOptions options) {
  VERGE_RETURN_IF_ERROR(check_trace(options.trace));
  VERGE_RETURN_IF_ERROR(check_range("bucket", static_cast<double>(options.bucket_bytes), 1e15));
  VERGE_RETURN_IF_ERROR(check_range("jitter", options.jitter_s, kMostSeconds));
  VERGE_RETURN_IF_ERROR(check_range("loss", options.loss, kMostLoss));
  VERGE_RETURN_IF_ERROR(
      check_range("retransmission time-out", options.retransmission_s, kMostSeconds));
  return LinkModel(std::move(options));
}

LinkModel::LinkModel(LinkOptions options)
    : options_(std::move(options)),
      capacity_(options_.trace),
      jitter_(options_.seed, 0),
      loss_(options_.seed, 1),
      tokens_(static_cast<double>(options_.bucket_bytes)) {}

// When the first `bytes` of a message have left: those for which there are tokens at once, the rest
// as capacity passes.
double LinkModel::leaves(double start_s, double passed, double tokens, double bytes) const {
  return bytes <= tokens ? start_s : std::max(start_s, capacity_.time_of(passed + bytes - tokens));
}

double LinkModel::lost_packets_arrival(double start_s, double passed, double tokens,
                                       int64_t bytes) {
  double latest = 0;
  for (int64_t end = kPacketBytes; end < bytes + kPacketBytes; end += kPacketBytes) {
    int losses = 0;
    while (loss_.uniform() < options_.loss) ++losses;
    if (losses == 0) continue;
    const double sent_s =
        leaves(start_s, passed, tokens, static_cast<double>(std::min(end, bytes)));
    const double there_s = sent_s + losses * options_.retransmission_s + capacity_.delay_at(sent_s);
    latest = std::max(latest, there_s);
  }
  return latest;
}

double LinkModel::arrival(double now_s, int64_t bytes) {
  VERGE_CHECK(now_s >= 0 && bytes >= 0, now_s, bytes);
  if (!std::isfinite(free_at_s_)) return free_at_s_;
  const double start_s = capacity_.up_from(std::max(now_s, free_at_s_));
  if (!std::isfinite(start_s)) return free_at_s_ = start_s;
  const bool has_rested = start_s > free_at_s_;
  const double passed =
      has_rested ? std::max(used_bytes_, capacity_.bytes_by(start_s)) : used_bytes_;
  const auto bucket = static_cast<double>(options_.bucket_bytes);
  const double tokens = std::min(bucket, tokens_ + passed - used_bytes_);
  const auto size = static_cast<double>(bytes);
  free_at_s_ = leaves(start_s, passed, tokens, size);
  tokens_ = std::max(0.0, tokens - size);
  used_bytes_ = passed + std::max(0.0, size - tokens);
  if (!std::isfinite(free_at_s_)) return free_at_s_;
  const double lost_s =
      options_.loss > 0 ? lost_packets_arrival(start_s, passed, tokens, bytes) : 0;
  const double jitter_s = options_.jitter_s > 0 ? options_.jitter_s * jitter_.uniform() : 0;
  const double there_s = free_at_s_ + capacity_.delay_at(free_at_s_) + jitter_s;
  last_arrival_s_ = std::max({last_arrival_s_, lost_s, there_s});
  return last_arrival_s_;
}

}  // namespace verge::net
