#include <algorithm>
#include <limits>

#include <verge/core/rng.hpp>
#include <verge/core/tensor.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/runtime/kernel_chooser.hpp>

namespace verge::runtime {
namespace {

using graph::KernelCall;
using kernels::KernelDef;

constexpr int kWarmRuns = 3;
constexpr int kTimedRuns = 5;
constexpr int kMostRuns = 40;  // of a short call, which anything else on the machine holds up
constexpr double kShortSeconds = 2e-4;

/// All that a kernel's speed depends on: "conv2d f32 [1, 3, 8, 8] ... {strides=[1, 1]}".
std::string describe(const KernelDef& kernel, const KernelCall& call) {
  std::string text(kernel.op);
  for (const auto& views : {call.inputs, call.outputs}) {
    for (const TensorView& view : views) {
      text +=
          view.data == nullptr ? " _" : fmt::format(" {} {}", name(view.dtype), view.shape.str());
    }
  }
  for (const auto& [key, attr] : call.attrs.entries()) {
    text += fmt::format(" {}={}", key, graph::show_attr(attr));
  }
  return text;
}

/// Memory for one way of running a call.
struct Trial {
  std::vector<AlignedBuffer> memory;
  std::vector<TensorView> inputs, outputs;

  std::byte* take(int64_t bytes) {
    memory.push_back(allocate_aligned(static_cast<size_t>(std::max<int64_t>(bytes, 64))));
    return memory.back().get();
  }
  std::vector<TensorView> make(std::span<const TensorView> views, Rng& rng) {
    std::vector<TensorView> made(views.begin(), views.end());
    for (TensorView& view : made) {
      if (view.data == nullptr) continue;
      view.data = take(view.bytes());
      std::fill_n(view.as<std::byte>(), view.bytes(), std::byte{0});
      if (view.dtype != DType::F32) continue;
      for (int64_t i = 0; i < view.shape.count(); ++i) {
        view.as<float>()[i] = static_cast<float>(rng.uniform() * 2 - 1);
      }
    }
    return made;
  }
};

double least_seconds(const KernelDef& kernel, const KernelCall& call, ThreadPool& pool,
                     kernels::Isa isa, const Clock& clock) {
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < kWarmRuns + kTimedRuns || (i < kMostRuns && least < kShortSeconds); ++i) {
    const double begin = clock.seconds();
    pool.run([&](Worker& worker) { kernel.run(call, worker, isa); });
    const double seconds = clock.seconds() - begin;
    if (i >= kWarmRuns) least = std::min(least, seconds);
  }
  return least;
}

}  // namespace

std::string machine_of(std::string_view processor, kernels::Isa isa, int threads) {
  return fmt::format("{}, {}, {} threads", processor, kernels::name(isa), threads);
}

std::vector<ChoiceTime> KernelChooser::measure(const KernelDef& kernel, const KernelCall& call,
                                               const std::vector<std::string_view>& choices) {
  std::vector<ChoiceTime> times;
  for (const std::string_view choice : choices) {
    Rng rng(1);
    Trial trial;
    trial.inputs = trial.make(call.inputs, rng);
    trial.outputs = trial.make(call.outputs, rng);
    KernelCall tried{trial.inputs, trial.outputs, call.attrs, nullptr, 0, choice};
    for (size_t i = 0; i < trial.inputs.size() && kernel.prepare != nullptr; ++i) {
      if (!call.is_packed(i)) continue;
      std::byte* prepared = trial.take(kernel.prepared_bytes(tried, i, isa_));
      pool_.run([&](Worker& worker) { kernel.prepare(tried, i, prepared, worker, isa_); });
      trial.inputs[i].data = prepared;
    }
    tried.packed = call.packed;
    if (kernel.workspace_bytes != nullptr) {
      tried.workspace = trial.take(kernel.workspace_bytes(tried, pool_.size(), isa_));
    }
    times.push_back({std::string(choice), least_seconds(kernel, tried, pool_, isa_, clock_)});
  }
  return times;
}

const std::vector<ChoiceTime>& KernelChooser::times_of(const KernelDef& kernel,
                                                       const KernelCall& call,
                                                       const std::vector<std::string_view>& choices,
                                                       const std::string& described) {
  const std::vector<ChoiceTime>* times = known_.find(machine_, described);
  if (times == nullptr || !std::ranges::equal(*times, choices, {}, &ChoiceTime::choice)) {
    known_.add(machine_, described, measure(kernel, call, choices));
    times = known_.find(machine_, described);
    has_measured_ = true;
  }
  return *times;
}

std::string_view KernelChooser::choose(const KernelDef& kernel, const KernelCall& call) {
  if (kernel.choices == nullptr) return {};
  const std::vector<std::string_view> choices = kernel.choices(call);
  if (choices.size() < 2) return {};
  const std::string described = describe(kernel, call);
  const std::vector<ChoiceTime>& times = times_of(kernel, call, choices, described);
  note_asked(described);
  const auto best = std::ranges::min_element(times, {}, &ChoiceTime::seconds);
  return choices[static_cast<size_t>(best - times.begin())];
}

double KernelChooser::seconds(const KernelDef& kernel, const KernelCall& call) {
  std::vector<std::string_view> choices = {""};
  if (kernel.choices != nullptr) choices = kernel.choices(call);
  const std::vector<ChoiceTime>& times = times_of(kernel, call, choices, describe(kernel, call));
  return std::ranges::min_element(times, {}, &ChoiceTime::seconds)->seconds;
}

void KernelChooser::note_asked(const std::string& described) {
  if (std::ranges::find(asked_, described) == asked_.end()) asked_.push_back(described);
}

std::optional<size_t> KernelChooser::known_choice(const std::string& described,
                                                  std::span<const std::string> ways) const {
  const std::vector<ChoiceTime>* times = known_.find(machine_, described);
  if (times == nullptr || !std::ranges::equal(*times, ways, {}, &ChoiceTime::choice)) {
    return std::nullopt;
  }
  const auto best = std::ranges::min_element(*times, {}, &ChoiceTime::seconds);
  return static_cast<size_t>(best - times->begin());
}

size_t KernelChooser::time_choice(const std::string& described, std::span<const std::string> ways,
                                  const std::function<void(size_t way)>& run) {
  std::vector<ChoiceTime> times;
  for (const std::string& way : ways) times.push_back({way, std::numeric_limits<double>::max()});
  for (int i = 0; i < kWarmRuns + kTimedRuns; ++i) {
    for (size_t way = 0; way < ways.size(); ++way) {
      const double begin = clock_.seconds();
      run(way);
      const double seconds = clock_.seconds() - begin;
      if (i >= kWarmRuns) times[way].seconds = std::min(times[way].seconds, seconds);
    }
  }
  known_.add(machine_, described, std::move(times));
  has_measured_ = true;
  note_asked(described);
  return *known_choice(described, ways);
}

std::vector<std::pair<std::string, std::vector<ChoiceTime>>> KernelChooser::asked() const {
  std::vector<std::pair<std::string, std::vector<ChoiceTime>>> calls;
  for (const std::string& call : asked_) calls.emplace_back(call, *known_.find(machine_, call));
  return calls;
}

}  // namespace verge::runtime
