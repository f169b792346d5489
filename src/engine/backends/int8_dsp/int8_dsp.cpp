#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include <verge/engine/backends/int8_dsp/int8_dsp.hpp>
#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::backends {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::ValueId;
using graph::ValueKind;

// The operators of its firmware.
constexpr std::string_view kOperators[] = {
    "add_int8",    "avg_pool2d_int8", "concat",   "conv2d_int8", "expand_depthwise_int8",
    "linear_int8", "lookup_int8",     "mul_int8", "max_pool2d",  "pad",
    "reshape",     "slice",           "transpose"};

bool is_integer(DType dtype) {
  return dtype == DType::I8 || dtype == DType::U8 || dtype == DType::I32;
}

// The factors by which sums become levels, one a channel: the device holds them in the registers of
// its rescaling unit, where they are put once.
bool is_register(const Node& node, size_t input, const graph::Value& value) {
  const std::string_view op = node.op->name;
  const bool is_two = op == "expand_depthwise_int8";  // products, of three inputs each behind x
  const bool is_product = is_two || op == "conv2d_int8" || op == "linear_int8";
  const bool is_known = value.kind == ValueKind::Param || value.kind == ValueKind::Const;
  const bool is_multiplier = input == 3 || (is_two && input == 6);
  return is_product && is_multiplier && is_known && value.type.dtype == DType::F32;
}

// The body under names of its own, by which its plan is asked.
Graph named(const Graph& body) {
  Graph graph = body;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    graph.values[id].name = fmt::format("v{}", id);
  }
  return graph;
}

int64_t memory_of_program(const runtime::Program& program) {
  int64_t bytes = program.memory.arena_bytes + runtime::prepared_weight_bytes(program);
  for (size_t id = 0; id < program.graph.values.size(); ++id) {
    if (program.graph.values[id].kind == ValueKind::Activation) continue;
    bytes += graph::bound_bytes(program.graph, static_cast<ValueId>(id));
  }
  return bytes;
}

Tensor copy_of(const TensorView& view) {
  Tensor tensor(view.dtype, view.shape);
  std::memcpy(tensor.view().data, view.data, static_cast<size_t>(view.bytes()));
  return tensor;
}

// What the memory of one device has left: regions give back what they took.
class DeviceMemory {
 public:
  explicit DeviceMemory(int64_t bytes) : left_(bytes) {}
  bool take(int64_t bytes) {
    if (left_.fetch_sub(bytes) >= bytes) return true;
    left_.fetch_add(bytes);
    return false;
  }
  void give_back(int64_t bytes) { left_.fetch_add(bytes); }
  int64_t left() const { return left_.load(); }

 private:
  std::atomic<int64_t> left_;
};

class DspRegion : public runtime::BackendRegion {
 public:
  DspRegion(std::shared_ptr<DeviceMemory> memory, int64_t bytes)
      : memory_(std::move(memory)), bytes_(bytes) {}
  ~DspRegion() override { memory_->give_back(bytes_); }

  // What the body needs is copied once: the device never looks into the host's memory.
  Status load(runtime::Program program, std::span<const TensorView> inputs) {
    const Graph& graph = program.graph;
    const std::vector<ValueId> ids = graph::body_inputs(graph);
    std::vector<std::string> given(ids.size()), taken;
    for (size_t i = 0; i < ids.size(); ++i) {
      const graph::Value& value = graph.value(ids[i]);
      if (value.kind == ValueKind::Param) {
        weights_.add(value.name, copy_of(inputs[i]));
      } else {
        given[i] = value.name;
      }
    }
    for (const ValueId id : graph::body_outputs(graph)) taken.push_back(graph.value(id).name);
    VERGE_TRY(runtime::Plan plan,
              runtime::Plan::bind(std::move(program), weights_, states_, core_));
    plan_.emplace(std::move(plan));
    for (const std::string& name : given) {
      inputs_.push_back(name.empty() ? nullptr : plan_->input(name).as<std::byte>());
    }
    for (const std::string& name : taken) {
      outputs_.push_back(plan_->output(name).as<std::byte>());
    }
    return {};
  }

  void run(std::span<const TensorView>, std::span<const TensorView>, Worker& worker) override {
    if (worker.index() == 0) plan_->run({});
  }
  std::byte* input_place(size_t i) override { return inputs_[i]; }
  std::byte* output_place(size_t i) override { return outputs_[i]; }
  int64_t bytes() const override { return bytes_; }

 private:
  std::shared_ptr<DeviceMemory> memory_;
  int64_t bytes_;
  ThreadPool core_{1};
  runtime::WeightStore weights_;
  runtime::StateStore states_;
  std::optional<runtime::Plan> plan_;
  std::vector<std::byte*> inputs_, outputs_;
};

class Int8Dsp : public runtime::Backend {
 public:
  explicit Int8Dsp(int64_t memory_bytes)
      : memory_bytes_(memory_bytes), memory_(std::make_shared<DeviceMemory>(memory_bytes)) {}

  std::string_view name() const override { return kInt8Dsp; }
  std::optional<int64_t> memory_bytes() const override { return memory_bytes_; }

  std::vector<std::string> refusals(const Graph& graph, const Node& node) const override {
    std::vector<std::string> reasons;
    if (std::ranges::count(kOperators, node.op->name) == 0) {
      reasons.push_back(fmt::format("the device has no {}", node.op->name));
    }
    const auto refuse = [&](const graph::Value& value) {
      reasons.push_back(fmt::format("{} is {}; the device has i8, u8 and i32", value.name,
                                    verge::name(value.type.dtype)));
    };
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNone) continue;
      const graph::Value& value = graph.value(node.inputs[i]);
      if (!is_integer(value.type.dtype) && !is_register(node, i, value)) refuse(value);
    }
    for (const ValueId id : node.outputs) {
      if (id != kNone && !is_integer(graph.value(id).type.dtype)) refuse(graph.value(id));
    }
    return reasons;
  }

  // Rates of a small signal processor on a phone's bus.
  graph::BackendCost cost() const override {
    return {.host_flops_per_s = 20e9,
            .flops_per_s = 1e12,
            .copy_bytes_per_s = 4e9,
            .launch_s = 10e-6,
            .least_nodes = 1};
  }

  int64_t memory_of(const Graph& body) const override {
    const auto program = runtime::make_program(named(body), kernels::best_isa(), 1);
    return program ? memory_of_program(*program) : std::numeric_limits<int64_t>::max();
  }

  Result<std::unique_ptr<runtime::BackendRegion>> compile(const Graph& body,
                                                          std::span<const TensorView> inputs,
                                                          ThreadPool&) override {
    VERGE_TRY(runtime::Program program, runtime::make_program(named(body), kernels::best_isa(), 1));
    const int64_t bytes = memory_of_program(program);
    if (!memory_->take(bytes)) {
      return make_error(Code::OutOfMemory,
                        "a region needs {} bytes of {}'s memory; {} of {} are left; compile the "
                        "plan for this device",
                        bytes, kInt8Dsp, memory_->left(), memory_bytes_);
    }
    auto region = std::make_unique<DspRegion>(memory_, bytes);
    VERGE_RETURN_IF_ERROR(region->load(std::move(program), inputs));
    return std::unique_ptr<runtime::BackendRegion>(std::move(region));
  }

 private:
  int64_t memory_bytes_;
  std::shared_ptr<DeviceMemory> memory_;
};

}  // namespace

std::shared_ptr<runtime::Backend> make_int8_dsp(int64_t memory_bytes) {
  return std::make_shared<Int8Dsp>(memory_bytes);
}

}  // namespace verge::backends
