#include <algorithm>
#include <cmath>

#include <verge/stages/fit/quantize_network/compare.hpp>
#include <verge/stages/fit/quantize_network/network_runner.hpp>

namespace verge::fit {
namespace {

int64_t largest_of(const Tensor& scores) {
  const auto values = scores.span<float>();
  return std::ranges::max_element(values) - values.begin();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

struct Timed {
  Tensor output;
  double seconds = 0;
};

Result<Timed> run_timed(NetworkRunner& runner, const NetworkSample& sample, const Clock& clock) {
  const double begin = clock.seconds();
  VERGE_TRY(std::vector<Tensor> outputs, runner.run(sample));
  if (outputs.empty()) return make_error(Code::Unsupported, "the network has no output");
  return Timed{std::move(outputs[0]), clock.seconds() - begin};
}

}  // namespace

Result<Comparison> compare_networks(const format::onnx::ModelData& before,
                                    const format::onnx::ModelData& after, const SampleSet& samples,
                                    const NetworkQuantization& options, ThreadPool& pool,
                                    const Clock& clock) {
  VERGE_TRY(NetworkRunner floats, NetworkRunner::of(before, pool));
  VERGE_TRY(NetworkRunner levels, NetworkRunner::of(after, pool));
  Comparison found{.samples = samples.count};
  double power = 0, noise = 0, agreeing = 0, right = 0, right_before = 0;
  std::vector<double> seconds, seconds_before;
  for (int64_t i = 0; i < samples.count; ++i) {
    if (options.cancel != nullptr && *options.cancel)
      return make_error(Code::Cancelled, "interrupted");
    if (options.on_progress) options.on_progress({"compare", i, samples.count});
    VERGE_TRY(const NetworkSample sample, samples.get(i));
    VERGE_TRY(const Timed a, run_timed(floats, sample, clock));
    VERGE_TRY(const Timed b, run_timed(levels, sample, clock));
    if (a.output.shape() != b.output.shape()) {
      return make_error(Code::Unsupported, "sample {}: the network gives {}, in 8 bits {}", i,
                        a.output.shape().str(), b.output.shape().str());
    }
    if (i > 0 || samples.count == 1) {  // the first compiles
      seconds_before.push_back(a.seconds);
      seconds.push_back(b.seconds);
    }
    for (size_t at = 0; at < a.output.span<float>().size(); ++at) {
      const double value = a.output.span<float>()[at], lost = value - b.output.span<float>()[at];
      if (!std::isfinite(value)) continue;  // lost before
      if (!std::isfinite(lost)) {
        return make_error(Code::Unsupported,
                          "in 8 bits the network answers sample {} with what is no number, the "
                          "network itself with {}; keep layers in f32 by --keep, or give other "
                          "samples to calibrate",
                          i, value);
      }
      power += value * value;
      noise += lost * lost;
    }
    agreeing += largest_of(a.output) == largest_of(b.output) ? 1 : 0;
    if (sample.label < 0) continue;
    ++found.labelled;
    right += largest_of(b.output) == sample.label ? 1 : 0;
    right_before += largest_of(a.output) == sample.label ? 1 : 0;
  }
  found.output_sqnr = noise > 0 ? 10 * std::log10(power / noise) : HUGE_VAL;
  found.agreement = agreeing / static_cast<double>(samples.count);
  if (found.labelled > 0) {
    found.accuracy = right / static_cast<double>(found.labelled);
    found.accuracy_before = right_before / static_cast<double>(found.labelled);
  }
  found.seconds = median(std::move(seconds));
  found.seconds_before = median(std::move(seconds_before));
  return found;
}

}  // namespace verge::fit
