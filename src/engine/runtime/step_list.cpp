#include <algorithm>

#include <verge/engine/runtime/step_list.hpp>

namespace verge::runtime {

using graph::kNone;
using graph::ValueId;

struct StepList::Binder {
  const graph::Graph& graph;
  const PlanValues& values;
  WeightStore& weights;
  ThreadPool& pool;
  kernels::Isa isa;
  const BoundRegions& regions;
  std::vector<PlanStep>& steps;
  StreamRing pieces = {};

  PlanStep bound(const ProgramStep& from) const;
  Result<TensorView> prepared(PlanStep& step, size_t input) const;
  Result<bool> find_weights(PlanStep& step);
  Status add(const ProgramStep& from);
};

PlanStep StepList::Binder::bound(const ProgramStep& from) const {
  PlanStep step{.kernel = from.kernel,
                .node = &graph.nodes[static_cast<size_t>(from.node)],
                .packed = from.packed,
                .choice = from.choice};
  step.attrs = &step.node->attrs;
  step.input_ids = step.node->inputs;
  step.output_ids = step.node->outputs;
  for (ValueId id : step.input_ids) step.inputs.push_back(values.view(id));
  for (ValueId id : step.output_ids) step.outputs.push_back(values.view(id));
  step.workspace = values.workspace(from.node);
  step.region = regions.of(from.node);
  return step;
}

// A weight or constant in the layout of the step's kernel, which depends on all that is known of
// the call. The store keeps it for other plans, the step that of a constant.
Result<TensorView> StepList::Binder::prepared(PlanStep& step, size_t input) const {
  const graph::Value& value = graph.value(step.input_ids[input]);
  const int64_t bytes = step.kernel->prepared_bytes(step.call(), input, isa);
  const auto prepare = [&](const TensorView& native, std::byte* out, Worker& worker) {
    std::vector<TensorView> inputs = step.inputs;
    inputs[input] = native;
    step.kernel->prepare({inputs, step.outputs, *step.attrs, nullptr, 0, step.choice}, input, out,
                         worker, isa);
  };
  if (value.kind == graph::ValueKind::Const) {
    VERGE_CHECK(step.prepared == nullptr, value.name);  // there is room for one
    const TensorView native = value.data->view();
    step.prepared = allocate_aligned(static_cast<size_t>(bytes));
    pool.run([&](Worker& worker) { prepare(native, step.prepared.get(), worker); });
    return TensorView{step.prepared.get(), native.dtype, native.shape};
  }
  const std::string form = prepared_form(*step.kernel, step.call(), input, isa);
  return weights.prepared(value.name, form, bytes, prepare, pool);
}

// Whether some of the weights pass through the stream, so that the step must be cut.
Result<bool> StepList::Binder::find_weights(PlanStep& step) {
  bool is_cut = false;
  const bool can_cut = step.kernel != nullptr && step.kernel->row_products != nullptr;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.input_ids[i] == kNone) continue;
    const std::string& name = graph.value(step.input_ids[i]).name;
    const bool is_packed = step.call().is_packed(i), is_streamed = weights.is_streamed(name);
    if (can_cut && is_packed && is_streamed) {
      step.inputs[i].data = nullptr;
      is_cut = true;
    } else if (weights.is_read_by_rows(name) && (is_streamed || !is_packed)) {
      gather_step(step, *weights.place(name), pool.size());
      break;
    } else if (is_packed && step.kernel->prepare != nullptr) {
      VERGE_TRY(step.inputs[i], prepared(step, i));
    } else if (is_packed) {
      VERGE_TRY(step.inputs[i], weights.packed(name, pool));
    }
  }
  return is_cut;
}

Status StepList::Binder::add(const ProgramStep& from) {
  PlanStep step = bound(from);
  VERGE_TRY(const bool is_cut, find_weights(step));
  if (is_cut) {
    cut_step(std::move(step), graph, weights, steps, pieces);
  } else {
    steps.push_back(std::move(step));
  }
  return {};
}

Status StepList::bind(const std::vector<ProgramStep>& program, const graph::Graph& graph,
                      PlanValues& values, WeightStore& weights, ThreadPool& pool, kernels::Isa isa,
                      const Backends& backends) {
  VERGE_TRY(regions, bind_regions(graph, values, backends, pool));
  Binder binder{graph, values, weights, pool, isa, regions, steps};
  for (const ProgramStep& from : program) VERGE_RETURN_IF_ERROR(binder.add(from));
  if (!binder.pieces.empty()) {
    stream = weights.stream();
    ring = stream->share(std::move(binder.pieces));
  }
  group_choices();
  link_products();
  for (PlanStep& step : steps) {
    for (size_t i = 0; i < step.inputs.size(); ++i)
      values.follow(step.inputs[i], step.input_ids[i]);
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      values.follow(step.outputs[i], step.output_ids[i]);
    }
    if (step.gathered != nullptr) values.follow(step.gathered->ids, step.input_ids[1]);
  }
  return {};
}

// Optional pieces that one value decides on are chosen together, as soon as it is there.
void StepList::group_choices() {
  PlanStep* first = nullptr;
  for (PlanStep& step : steps) {
    if (step.streamed.empty() || step.selector == kNone) continue;
    if (first == nullptr || first->selector != step.selector) first = &step;
    needed.resize(std::max(needed.size(), ++first->choices));
  }
}

void StepList::choose_pieces(size_t index) {
  const size_t count = steps[index].choices;
  for (size_t chosen = 0; chosen < count; ++index) {
    const PlanStep& step = steps[index];
    if (step.streamed.empty() || step.selector == kNone) continue;
    needed[chosen++] = step.kernel->is_idle(step.call()) ? 0 : 1;
  }
  stream->choose(std::span(needed).first(count));
}

// What each product reads next. The last one is followed by the first one of the next run.
void StepList::link_products() {
  std::vector<PlanStep*> products;
  for (PlanStep& step : steps) {
    const bool is_product = step.packed != 0 && step.kernel->wants_packed != nullptr;
    if (is_product && step.streamed.empty()) products.push_back(&step);
  }
  for (size_t i = 0; i < products.size(); ++i) {
    const PlanStep& after = *products[(i + 1) % products.size()];
    if (after.kernel->prepare != nullptr) continue;  // in a layout of its own
    for (size_t input = 0; input < after.inputs.size(); ++input) {
      const TensorView& weight = after.inputs[input];
      if (!after.call().is_packed(input) || weight.shape.rank() != 2) continue;
      products[i]->next.push_back({weight.dtype, weight.shape[0], weight.shape[1], weight.data});
    }
  }
}

}  // namespace verge::runtime
