#include <algorithm>
#include <vector>

#include <verge/platform/fleet/link_probe.hpp>

namespace verge::fleet {
namespace {

constexpr int64_t kFirstLoadBytes = 16 << 10;

class Prober {
 public:
  Prober(Channel& channel, const Clock& clock, const ProbeOptions& options)
      : channel_(channel), clock_(clock), options_(options) {}

  Result<LinkReport> measure() {
    VERGE_TRY(const double empty_s, round_trip());
    VERGE_TRY(const double up, rate(empty_s, [](int64_t bytes) { return Load{bytes, 0}; }));
    VERGE_TRY(const double down, rate(empty_s, [](int64_t bytes) { return Load{0, bytes}; }));
    return LinkReport{.round_trip_s = empty_s, .up_bytes_per_s = up, .down_bytes_per_s = down};
  }

 private:
  struct Load {
    int64_t there, back;
  };

  Result<double> round_trip() {
    std::vector<double> times;
    for (int i = 0; i < options_.round_trips; ++i) {
      VERGE_TRY(times.emplace_back(), probe({0, 0}));
    }
    const auto middle = times.begin() + static_cast<ptrdiff_t>(times.size() / 2);
    std::ranges::nth_element(times, middle);
    return *middle;
  }

  template <typename LoadOf>
  Result<double> rate(double empty_s, LoadOf load_of) {
    for (int64_t bytes = kFirstLoadBytes;; bytes *= 2) {
      VERGE_TRY(const double seconds, probe(load_of(bytes)));
      const double loaded_s = seconds - empty_s;
      if (loaded_s < options_.enough_s && bytes < kMostProbeBytes) continue;
      // Where even the largest load takes no longer than an empty one, the link is not what limits.
      return static_cast<double>(bytes) / std::max(loaded_s, 1e-6);
    }
  }

  // Seconds until the answer.
  Result<double> probe(Load load) {
    const uint64_t id = ++last_id_;
    const double begin = clock_.seconds();
    VERGE_RETURN_IF_ERROR(
        channel_.send(to_message(Probe{.id = id,
                                       .load = std::string(static_cast<size_t>(load.there), '\x5a'),
                                       .answer_bytes = load.back})));
    VERGE_TRY(const std::optional<Message> message, channel_.receive(options_.timeout_s));
    if (!message) {
      return make_error(Code::Cancelled, "no answer to a probe in {} s; the link is down or slower",
                        options_.timeout_s);
    }
    VERGE_TRY(const ProbeAnswer answer, probe_answer_from(*message));
    if (answer.id != id || static_cast<int64_t>(answer.load.size()) != load.back) {
      return make_error(Code::Malformed, "probe {} was answered by {} with {} bytes of {}", id,
                        answer.id, answer.load.size(), load.back);
    }
    return clock_.seconds() - begin;
  }

  Channel& channel_;
  const Clock& clock_;
  const ProbeOptions& options_;
  uint64_t last_id_ = 0;
};

}  // namespace

Result<LinkReport> probe_link(Channel& channel, const Clock& clock, const ProbeOptions& options) {
  return Prober(channel, clock, options).measure();
}

ProbeAnswer answer(const Probe& probe) {
  return {.id = probe.id, .load = std::string(static_cast<size_t>(probe.answer_bytes), '\xa5')};
}

}  // namespace verge::fleet
