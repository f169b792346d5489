#include <algorithm>
#include <map>
#include <vector>

#include <verge/core/units.hpp>
#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/runtime/bound_call.hpp>
#include <verge/engine/runtime/plan_step.hpp>
#include <verge/engine/runtime/residency.hpp>

namespace verge::runtime {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::ValueId;
using graph::ValueKind;
using kernels::RowProduct;

constexpr int64_t kKiB = 1 << 10, kMiB = 1 << 20;
// From the one that reads best to the one that takes least.
constexpr StreamWindow kWindows[] = {
    {8, 2 * kMiB}, {4, 2 * kMiB}, {4, 512 * kKiB}, {2, 256 * kKiB}, {1, 256 * kKiB}};
// A window may take this part of what there is for weights; the last one may take all.
constexpr int64_t kWindowPart = 8;

struct WeightUse {
  std::string name;
  int64_t native_bytes = 0;
  int64_t packed_bytes = 0;
  int64_t gathered_bytes = 0;  // of the rows that runs look up, of all programs
  bool is_packed = false;      // by a product
  bool is_looked_up = false;
  bool is_cut = true;  // every use is a product that can be cut or a look-up
  size_t order = 0;

  int64_t bytes() const { return is_packed ? packed_bytes : native_bytes; }
  // What is not in a file is in memory as it came, too.
  int64_t pinned_bytes(bool is_stored) const {
    return bytes() + (is_packed && !is_stored ? native_bytes : 0);
  }
};

struct Uses {
  std::map<std::string, WeightUse, std::less<>> weights;
  int64_t least_piece = 0;  // a group of rows of the widest product

  void add(const Program& program);
  void add_step(const Program& program, const ProgramStep& step);
  WeightUse& use(const Graph& graph, ValueId id);
};

bool is_param(const Graph& graph, ValueId id) {
  return id != kNone && graph.value(id).kind == ValueKind::Param;
}

WeightUse& Uses::use(const Graph& graph, ValueId id) {
  const graph::Value& value = graph.value(id);
  const auto [at, is_new] = weights.try_emplace(value.name);
  WeightUse& use = at->second;
  if (!is_new) return use;
  const Shape shape = graph.bound_shape(value.type);
  use.name = value.name;
  use.order = weights.size();
  use.native_bytes = bytes_of(value.type.dtype, shape.count());
  if (kernels::can_pack(value.type.dtype, shape.back())) {
    use.packed_bytes = kernels::packed_bytes(value.type.dtype, shape.rows(), shape.back());
  }
  return use;
}

void Uses::add_step(const Program& program, const ProgramStep& step) {
  const Graph& graph = program.graph;
  const Node& node = graph.nodes[static_cast<size_t>(step.node)];
  const BoundCall bound(graph, node);
  const std::vector<TensorView>& inputs = bound.inputs;
  std::set<size_t> cut;
  if (step.kernel != nullptr && step.kernel->row_products != nullptr && step.packed != 0) {
    for (const RowProduct& product : step.kernel->row_products(bound.call(step.packed))) {
      int64_t group = 0;
      for (const auto& [input, role] : product.inputs) {
        if (role != RowProduct::Role::Weight) continue;
        cut.insert(input);
        group += kernels::packed_bytes(inputs[input].dtype, kernels::kGroupRows,
                                       inputs[input].shape.back());
      }
      least_piece = std::max(least_piece, group);
    }
  }
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_param(graph, node.inputs[i])) continue;
    WeightUse& weight = use(graph, node.inputs[i]);
    const bool is_looked_up = node.op->name == "embedding" && i == 0 && step.kernel != nullptr;
    if (is_looked_up) {
      weight.is_looked_up = true;
      weight.gathered_bytes += gathered_bytes(inputs[0], inputs[1], program.threads);
    } else {
      weight.is_cut = weight.is_cut && cut.contains(i);
    }
    weight.is_packed = weight.is_packed || (step.packed >> i & 1) != 0;
  }
}

void Uses::add(const Program& program) {
  for (const ProgramStep& step : program.steps) add_step(program, step);
}

// Of `count` in a row, which of them are chosen `wanted` times at even distances.
bool is_chosen(size_t i, size_t wanted, size_t count) {
  return (i + 1) * wanted / count != i * wanted / count;
}

// Takes weights out of the streamed set while they fit into `bytes`.
void pin(std::vector<const WeightUse*> streamed, int64_t bytes, Residency& residency) {
  std::ranges::sort(streamed, {},
                    [](const WeightUse* w) { return std::pair(w->bytes(), w->order); });
  for (auto first = streamed.begin(); first != streamed.end();) {
    const int64_t size = (*first)->bytes();
    const auto last =
        std::find_if(first, streamed.end(), [&](const WeightUse* w) { return w->bytes() != size; });
    const auto count = static_cast<size_t>(last - first);
    const size_t fits = std::min(
        count, static_cast<size_t>(std::max<int64_t>(0, bytes) / std::max<int64_t>(1, size)));
    for (size_t i = 0; i < count; ++i) {
      if (is_chosen(i, fits, count))
        residency.streamed.erase(first[static_cast<ptrdiff_t>(i)]->name);
    }
    bytes -= static_cast<int64_t>(fits) * size;
    if (fits < count) return;
    first = last;
  }
}

// Rounded up, so that what is named is enough.
int64_t whole_mib(int64_t bytes) {
  return (bytes + kMiB - 1) / kMiB * kMiB;
}

Error too_low(int64_t ceiling, const Residency& least) {
  return make_error(
      Code::OutOfMemory,
      "a ceiling of {}: the least is {}, of which the KV cache takes {}, activations {}, weights "
      "that must stay {}, the window for all others {} and the program itself {}; allow that, or "
      "use "
      "a smaller --context",
      show_bytes(ceiling), show_bytes(whole_mib(least.total())), show_bytes(least.fixed.kv_bytes),
      show_bytes(least.fixed.arena_bytes + least.fixed.later_bytes), show_bytes(least.pinned_bytes),
      show_bytes(least.window_bytes), show_bytes(least.fixed.process_bytes));
}

struct Choice {
  const Uses& uses;
  const FixedMemory& fixed;
  const std::function<bool(std::string_view)>& is_stored;

  // Everything that can be streamed is, through this window.
  Residency least(StreamWindow window) const {
    Residency residency;
    residency.fixed = fixed;
    int64_t largest = 0;
    for (const auto& [name, weight] : uses.weights) {
      if (!weight.is_cut || !is_stored(name)) {
        residency.pinned_bytes += weight.pinned_bytes(is_stored(name));
        continue;
      }
      if (weight.is_looked_up) {
        residency.by_rows.insert(name);
        residency.window_bytes += weight.gathered_bytes;
      }
      if (!weight.is_packed) continue;
      residency.streamed.insert(name);
      largest += weight.packed_bytes;
    }
    window.piece_bytes = std::max(std::min(window.piece_bytes, largest), uses.least_piece);
    residency.window = window;
    if (!residency.streamed.empty()) residency.window_bytes += window.bytes();
    return residency;
  }

  void count(Residency& residency) const {
    residency.pinned_bytes = residency.streamed_bytes = 0;
    for (const auto& [name, weight] : uses.weights) {
      const bool is_pinned =
          weight.is_packed ? !residency.streamed.contains(name) : !residency.by_rows.contains(name);
      if (is_pinned) residency.pinned_bytes += weight.pinned_bytes(is_stored(name));
      if (residency.streamed.contains(name)) residency.streamed_bytes += weight.native_bytes;
    }
  }

  Residency with_pins(StreamWindow window, int64_t ceiling) const {
    Residency residency = least(window);
    std::vector<const WeightUse*> candidates;
    for (const std::string& name : residency.streamed) {
      candidates.push_back(&uses.weights.find(name)->second);
    }
    pin(std::move(candidates), ceiling - residency.total(), residency);
    count(residency);
    return residency;
  }
};

}  // namespace

FixedMemory fixed_memory(std::span<const Program* const> programs) {
  FixedMemory memory;
  std::map<std::string, int64_t, std::less<>> states;
  for (const Program* program : programs) {
    memory.arena_bytes += program->memory.arena_bytes;
    for (size_t id = 0; id < program->graph.values.size(); ++id) {
      const graph::Value& value = program->graph.values[id];
      const int64_t bytes = graph::bound_bytes(program->graph, static_cast<ValueId>(id));
      if (value.kind == ValueKind::State) states[value.name] = bytes;
      if (value.kind == ValueKind::Input || value.kind == ValueKind::Const) {
        memory.arena_bytes += bytes;
      }
    }
  }
  for (const auto& [name, bytes] : states) memory.kv_bytes += bytes;
  return memory;
}

Result<Residency> plan_residency(std::span<const Program* const> programs, int64_t ceiling_bytes,
                                 const FixedMemory& beside,
                                 const std::function<bool(std::string_view)>& is_stored) {
  Uses uses;
  for (const Program* program : programs) uses.add(*program);
  FixedMemory fixed = fixed_memory(programs);
  fixed.process_bytes = beside.process_bytes;
  fixed.later_bytes = beside.later_bytes;
  const Choice choice{uses, fixed, is_stored};
  Residency whole{.fixed = fixed};
  choice.count(whole);
  if (whole.total() <= ceiling_bytes) return whole;
  const int64_t for_weights = ceiling_bytes - fixed.total();
  const auto fits = [&](const StreamWindow& window) {
    const Residency least = choice.least(window);
    return least.window_bytes <= for_weights / kWindowPart && least.total() <= ceiling_bytes;
  };
  const auto last = std::end(kWindows) - 1;
  const StreamWindow& window = *std::find_if(std::begin(kWindows), last, fits);
  const Residency least = choice.least(window);
  if (least.total() > ceiling_bytes) return too_low(ceiling_bytes, least);
  // Where it is enough that tables are read by rows, the window is not what memory is for.
  Residency tight = choice.with_pins(*last, ceiling_bytes);
  if (tight.streamed.empty()) return tight;
  return choice.with_pins(window, ceiling_bytes);
}

int64_t added_bytes(const Program& program, const Residency* residency) {
  const Program* programs[] = {&program};
  int64_t bytes = fixed_memory(programs).arena_bytes;
  if (residency == nullptr) return bytes;
  Uses uses;
  uses.add(program);
  for (const auto& [name, weight] : uses.weights) {
    if (residency->by_rows.contains(name)) bytes += weight.gathered_bytes;
  }
  return bytes;
}

}  // namespace verge::runtime
