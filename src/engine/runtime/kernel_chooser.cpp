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
constexpr int64_t kCoreCacheBytes = int64_t{2} << 20;  // of a large core's second level
constexpr int64_t kLeastOtherBytes = int64_t{64} << 20;

/// All that a kernel's speed depends on: "conv2d f32 [1, 3, 8, 8] ... strides=[1, 1]".
std::string describe(const KernelDef& kernel, const KernelCall& call, Caches caches) {
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
  if (kernel.prepare != nullptr && call.packed == 0) text += " unpacked";
  if (caches == Caches::Cold) text += " cold";
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

/// A way of running a call, on memory of its own.
struct Way {
  Trial trial;
  KernelCall call;
  double seconds = std::numeric_limits<double>::max();

  Way(const KernelDef& kernel, const KernelCall& like, std::string_view choice, ThreadPool& pool,
      kernels::Isa isa)
      : call{{}, {}, like.attrs, nullptr, 0, choice} {
    Rng rng(1);
    trial.inputs = trial.make(like.inputs, rng);
    trial.outputs = trial.make(like.outputs, rng);
    call.inputs = trial.inputs;
    call.outputs = trial.outputs;
    for (size_t i = 0; i < trial.inputs.size() && kernel.prepare != nullptr; ++i) {
      if (!like.is_packed(i)) continue;
      std::byte* prepared = trial.take(kernel.prepared_bytes(call, i, isa));
      pool.run([&](Worker& worker) { kernel.prepare(call, i, prepared, worker, isa); });
      trial.inputs[i].data = prepared;
    }
    call.packed = like.packed;
    if (kernel.workspace_bytes != nullptr) {
      call.workspace = trial.take(kernel.workspace_bytes(call, pool.size(), isa));
    }
  }
};

/// Data that other calls touch between two runs: more than the caches that all cores share and than
/// those of all cores.
class OtherData {
 public:
  explicit OtherData(ThreadPool& pool)
      : pool_(pool),
        bytes_(std::max(kLeastOtherBytes, 2 * pool.size() * kCoreCacheBytes)),
        data_(allocate_aligned(static_cast<size_t>(bytes_))) {}

  /// Puts it in the place of what a call left in the caches.
  void touch() {
    constexpr int64_t kLine = 64;
    pool_.run([&](Worker& worker) {
      const auto [begin, end] = worker.split(bytes_ / kLine);
      for (int64_t line = begin; line < end; ++line) data_[line * kLine] = std::byte{1};
    });
  }

 private:
  ThreadPool& pool_;
  int64_t bytes_;
  AlignedBuffer data_;
};

}  // namespace

Caches caches_of(const graph::Graph& graph, int threads) {
  int64_t bytes = 0;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    bytes += graph::bound_bytes(graph, static_cast<graph::ValueId>(id));
  }
  return bytes > threads * kCoreCacheBytes ? Caches::Cold : Caches::Warm;
}

std::string machine_of(std::string_view processor, kernels::Isa isa, int threads) {
  return fmt::format("{}, {}, {} threads", processor, kernels::name(isa), threads);
}

// In turns, so that what else the machine does holds up all ways alike.
std::vector<ChoiceTime> KernelChooser::measure(const KernelDef& kernel, const KernelCall& call,
                                               const std::vector<std::string_view>& choices,
                                               Caches caches) {
  std::vector<Way> ways;
  ways.reserve(choices.size());
  for (const std::string_view choice : choices) {
    ways.emplace_back(kernel, call, choice, pool_, isa_);
  }
  std::optional<OtherData> other;
  if (caches == Caches::Cold) other.emplace(pool_);
  const auto is_short = [](const Way& way) { return way.seconds < kShortSeconds; };
  const int most = caches == Caches::Warm ? kMostRuns : 0;
  for (int i = 0; i < kWarmRuns + kTimedRuns || (i < most && std::ranges::any_of(ways, is_short));
       ++i) {
    for (Way& way : ways) {
      if (other) other->touch();
      const double begin = clock_.seconds();
      pool_.run([&](Worker& worker) { kernel.run(way.call, worker, isa_); });
      const double seconds = clock_.seconds() - begin;
      if (i >= kWarmRuns) way.seconds = std::min(way.seconds, seconds);
    }
  }
  std::vector<ChoiceTime> times;
  for (const Way& way : ways) times.push_back({std::string(way.call.choice), way.seconds});
  return times;
}

const std::vector<ChoiceTime>& KernelChooser::times_of(const KernelDef& kernel,
                                                       const KernelCall& call,
                                                       const std::vector<std::string_view>& choices,
                                                       const std::string& described,
                                                       Caches caches) {
  const std::vector<ChoiceTime>* times = known_.find(machine_, described);
  if (times == nullptr || !std::ranges::equal(*times, choices, {}, &ChoiceTime::choice)) {
    known_.add(machine_, described, measure(kernel, call, choices, caches));
    times = known_.find(machine_, described);
    has_measured_ = true;
  }
  return *times;
}

std::string_view KernelChooser::choose(const KernelDef& kernel, const KernelCall& call,
                                       Caches caches) {
  if (kernel.choices == nullptr) return {};
  const std::vector<std::string_view> choices = kernel.choices(call);
  if (choices.size() < 2) return {};
  const std::string described = describe(kernel, call, caches);
  const std::vector<ChoiceTime>& times = times_of(kernel, call, choices, described, caches);
  note_asked(described);
  const auto best = std::ranges::min_element(times, {}, &ChoiceTime::seconds);
  return choices[static_cast<size_t>(best - times.begin())];
}

double KernelChooser::seconds(const KernelDef& kernel, const KernelCall& call, Caches caches) {
  std::vector<std::string_view> choices = {""};
  if (kernel.choices != nullptr) choices = kernel.choices(call);
  const std::vector<ChoiceTime>& times =
      times_of(kernel, call, choices, describe(kernel, call, caches), caches);
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
