#pragma once
// KernelChooser: which of a kernel's ways a Program takes, by measurement. A call that the known
// choices lack is timed with made-up values: three runs to warm up, then the least of five, of a
// short call that finds caches warm of more. A call of a graph too large for the caches of single
// cores is timed with others' data in them, as it finds them when it runs: by warm caches alone,
// ways that read more look better than they are.
//
//   KernelChooser chooser(known, machine, pool, isa, clock);
//   VERGE_TRY(Program program, make_program(graph, isa, pool.size(), &chooser));
//   if (chooser.has_measured()) chooser.known().write(path);
//
// Ways differ in the last bits of their results, so results are the same bits for one choice only:
// where that matters, keep the file, or a plan, which holds its choices.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/tensor.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/runtime/kernel_choices.hpp>

namespace verge::runtime {

/// Tells machines apart for which other choices may be right.
std::string machine_of(std::string_view processor, kernels::Isa isa, int threads);

/// What a call finds in the caches of the cores that run it.
enum class Caches : uint8_t {
  Warm,  // what it read and wrote the last time
  Cold,  // what other calls did
};
/// Those of the calls of a graph that runs again and again.
Caches caches_of(const graph::Graph& graph, int threads);

class KernelChooser {
 public:
  KernelChooser(KernelChoices known, std::string machine, ThreadPool& pool, kernels::Isa isa,
                const Clock& clock)
      : known_(std::move(known)),
        machine_(std::move(machine)),
        pool_(pool),
        isa_(isa),
        clock_(clock) {}

  /// The fastest way, one of kernel.choices(call), for a call at its upper bounds without memory
  /// whose inputs `call.packed` are in the kernel's layout; empty where there are not two.
  std::string_view choose(const kernels::KernelDef& kernel, const graph::KernelCall& call,
                          Caches caches);

  /// How long such a call takes in the fastest way.
  double seconds(const kernels::KernelDef& kernel, const graph::KernelCall& call, Caches caches);
  /// For something else that can be done in several ways, as a whole network: the number of the
  /// fastest one, where it is known.
  std::optional<size_t> known_choice(const std::string& described,
                                     std::span<const std::string> ways) const;
  /// The same where it is not, by running each way, `run(number)`, in turn.
  size_t time_choice(const std::string& described, std::span<const std::string> ways,
                     const std::function<void(size_t way)>& run);

  int threads() const { return pool_.size(); }
  const KernelChoices& known() const { return known_; }
  bool has_measured() const { return has_measured_; }
  /// The calls that were asked about, in order, each once, with their times.
  std::vector<std::pair<std::string, std::vector<ChoiceTime>>> asked() const;

 private:
  const std::vector<ChoiceTime>& times_of(const kernels::KernelDef& kernel,
                                          const graph::KernelCall& call,
                                          const std::vector<std::string_view>& choices,
                                          const std::string& described, Caches caches);
  std::vector<ChoiceTime> measure(const kernels::KernelDef& kernel, const graph::KernelCall& call,
                                  const std::vector<std::string_view>& choices, Caches caches);
  void note_asked(const std::string& described);

  KernelChoices known_;
  std::string machine_;
  ThreadPool& pool_;
  kernels::Isa isa_;
  const Clock& clock_;
  bool has_measured_ = false;
  std::vector<std::string> asked_;
};

}  // namespace verge::runtime
