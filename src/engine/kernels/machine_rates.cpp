#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/machine_rates.hpp>
#include <verge/engine/kernels/peak_loops.hpp>

namespace verge::kernels {
namespace {

constexpr int kRuns = 5;
constexpr double kRunSeconds = 0.01;         // long beside waking a thread, short for a person
constexpr int64_t kStreamBytes = 256 << 20;  // beyond the last cache of servers
constexpr int64_t kStreamGrain = 4096;

class RateMeter {
 public:
  RateMeter(ThreadPool& pool, const Clock& clock) : pool_(pool), clock_(clock) {
    // Small and alike, so that no sum becomes denormal or infinite on its way.
    for (uint16_t& half : operands_) half = f32_to_bf16(0x1p-20f);
  }

  /// Operations a second of a loop on all threads, in units of 1e9.
  double loop_rate(PeakLoop loop, int64_t operations) {
    if (loop == nullptr) return 0;
    int64_t rounds = 1 << 12;
    double seconds = time_loop(loop, rounds);
    while (seconds < kRunSeconds / 4) seconds = time_loop(loop, rounds *= 4);
    rounds = std::max<int64_t>(1, static_cast<int64_t>(rounds * kRunSeconds / seconds));
    const double time = median([&] { return time_loop(loop, rounds); });
    return static_cast<double>(rounds * operations) * pool_.size() / time * 1e-9;
  }

  double read_rate(const PeakLoops& loops) {
    const AlignedBuffer buffer = allocate_aligned(kStreamBytes);
    pool_.run([&](Worker& worker) {  // each page is touched by the thread that will read it
      const auto [first, last] = worker.split(kStreamBytes, kStreamGrain);
      std::memset(buffer.get() + first, 1, static_cast<size_t>(last - first));
    });
    const double time = median([&] {
      return time_of([&](Worker& worker) {
        const auto [first, last] = worker.split(kStreamBytes, kStreamGrain);
        keep(static_cast<float>(loops.read(buffer.get() + first, last - first)));
      });
    });
    return kStreamBytes / time * 1e-9;
  }

 private:
  template <typename Body>
  double time_of(Body&& body) {
    const double start = clock_.seconds();
    pool_.run(body);
    return clock_.seconds() - start;
  }

  double time_loop(PeakLoop loop, int64_t rounds) {
    return time_of([&](Worker&) { keep(loop(rounds, operands_.data())); });
  }

  template <typename Time>
  double median(Time&& time) {
    std::array<double, kRuns> times;
    for (double& entry : times) entry = time();
    std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
    return times[kRuns / 2];
  }

  /// The results must go somewhere, or the compiler drops the loops.
  void keep(float value) { kept_.store(value, std::memory_order_relaxed); }

  ThreadPool& pool_;
  const Clock& clock_;
  alignas(64) std::array<uint16_t, 64> operands_;
  std::atomic<float> kept_ = 0;
};

}  // namespace

MachineRates measure_rates(ThreadPool& pool, const Clock& clock, Isa isa) {
  const PeakLoops& loops = peak_loops(isa);
  RateMeter meter(pool, clock);
  MachineRates rates;
  rates.read_gb_s = meter.read_rate(loops);
  rates.f32_gflops = meter.loop_rate(loops.f32, loops.f32_operations);
  rates.bf16_gflops = meter.loop_rate(loops.bf16, loops.bf16_operations);
  rates.int8_gops = meter.loop_rate(loops.int8, loops.int8_operations);
  return rates;
}

}  // namespace verge::kernels
