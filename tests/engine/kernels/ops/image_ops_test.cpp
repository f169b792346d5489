// The kernels of convolutional networks agree with the operators' references, for every
// instruction set and on odd sizes.

#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/kernels/kernel.hpp>

#include "../random_data.hpp"
#include "../workspace.hpp"

namespace verge::kernels {
namespace {

using List = std::vector<int64_t>;

struct Case {
  std::string_view op;
  std::vector<graph::Type> inputs;
  graph::Attrs attrs;
};

graph::Type f32_of(graph::Dims dims) {
  return {DType::F32, std::move(dims)};
}

graph::Type u8_of(graph::Dims dims) {
  return {DType::U8, std::move(dims)};
}

std::vector<Case> cases() {
  const graph::Attrs pads{{"pads", List{1, 0, 2, 1}}, {"strides", List{1, 2}}};
  graph::Attrs of_input = pads, of_weight = pads;
  of_input.set("height", int64_t{9});
  of_input.set("width", int64_t{7});
  of_weight.set("kernel", List{3, 3});
  const graph::Attrs pool{{"kernel", List{2, 2}}, {"strides", List{2, 2}}};
  const graph::Attrs average{{"kernel", List{3, 3}},
                             {"strides", List{2, 1}},
                             {"pads", List{1, 1, 1, 1}},
                             {"count_include_pad", int64_t{1}}};
  const auto sized = [](graph::Attrs attrs) {
    attrs.set("height", int64_t{9});
    attrs.set("width", int64_t{7});
    return attrs;
  };
  const auto x = f32_of({3, 4, 9, 7}), dy = f32_of({3, 5, 10, 3}), w = f32_of({5, 4, 3, 3});
  const auto pooled = f32_of({3, 4, 4, 3}), channels = f32_of({4});
  return {
      {"conv2d", {x, w}, pads},
      {"conv2d", {x, w, f32_of({5})}, pads},
      {"conv2d_grad_input", {dy, w}, of_input},
      {"conv2d_grad_weight", {dy, x}, of_weight},
      {"max_pool2d", {x}, pool},
      {"max_pool2d_grad", {pooled, u8_of({3, 4, 4, 3})}, sized(pool)},
      {"avg_pool2d", {x}, average},
      {"avg_pool2d_grad", {f32_of({3, 4, 5, 7})}, sized(average)},
      {"global_avg_pool", {x}, {}},
      {"global_avg_pool_grad", {f32_of({3, 4})}, sized({})},
      {"batch_norm", {x, channels, channels, channels, channels}, {}},
      {"batch_norm_live", {x, channels, channels, channels, channels}, {{"momentum", 0.2}}},
      {"batch_norm_live_grad", {x, channels, channels, channels, x}, {}},
      {"relu", {x}, {}},
      {"relu", {f32_of({2, 700})}, {}},
      {"apply_mask", {x, u8_of({95})}, {}},
      {"apply_mask", {f32_of({2, 700}), u8_of({175})}, {}},
  };
}

// Reals are positive where they must be (variances, and everything else of batch norm); bytes are
// window indices below 4 or masks.
Tensor random_tensor(const graph::Graph& graph, const graph::Type& type, uint64_t seed,
                     uint32_t byte_bound) {
  Tensor tensor(type.dtype, graph.bound_shape(type));
  Rng rng(seed);
  if (type.dtype == DType::U8) {
    for (uint8_t& value : tensor.span<uint8_t>()) {
      value = static_cast<uint8_t>(rng.below(byte_bound));
    }
    return tensor;
  }
  const bool by_channel = type.dims.size() == 1;
  for (float& value : tensor.span<float>()) {
    value = by_channel ? 0.5f + rng.uniform() : rng.normal();
  }
  return tensor;
}

// One run of a node over its own copies of inputs and outputs.
class Execution {
 public:
  Execution(const graph::Graph& graph, const graph::Node& node) : node_(node) {
    const uint32_t bound = node.op->name == "apply_mask" ? 256 : 4;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      inputs_.push_back(random_tensor(graph, graph.value(node.inputs[i]).type, i + 1, bound));
      input_views_.push_back(inputs_.back().view());
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const graph::Value& value = graph.value(node.outputs[i]);
      outputs_.emplace_back(value.type.dtype, graph.bound_shape(value.type));
      output_views_.push_back(outputs_.back().view());
    }
    for (const graph::Alias& alias : node.op->aliases) {
      if (!alias.required) continue;
      output_views_[static_cast<size_t>(alias.output)] =
          input_views_[static_cast<size_t>(alias.input)];
    }
  }

  graph::KernelCall call() const { return {input_views_, output_views_, node_.attrs}; }
  const std::vector<TensorView>& outputs() const { return output_views_; }

 private:
  const graph::Node& node_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<TensorView> input_views_, output_views_;
};

void expect_same(const TensorView& found, const TensorView& wanted, const std::string& what) {
  for (int64_t i = 0; i < wanted.shape.count(); ++i) {
    if (wanted.dtype == DType::U8) {
      ASSERT_EQ(found.as<uint8_t>()[i], wanted.as<uint8_t>()[i]) << what << " " << i;
    } else {
      const float value = wanted.as<float>()[i];
      ASSERT_NEAR(found.as<float>()[i], value, 2e-4 * (1 + std::abs(value))) << what << " " << i;
    }
  }
}

TEST(ImageOps, AgreeWithTheirReferences) {
  ThreadPool pool(2);
  for (const Case& c : cases()) {
    graph::Builder b("one");
    std::vector<graph::ValueId> inputs;
    for (const graph::Type& type : c.inputs) {
      inputs.push_back(b.state(fmt::format("x{}", inputs.size()), type));
    }
    b.op_all(c.op, inputs, c.attrs);
    ASSERT_FALSE(b.failed()) << c.op << " " << b.finish().error().message;
    const graph::Node& node = b.graph().nodes.back();
    const Execution wanted(b.graph(), node);
    node.op->reference(wanted.call());
    const KernelDef* kernel = find_kernel(c.op);
    ASSERT_NE(kernel, nullptr) << c.op;
    for (const Isa isa : machine_isas()) {
      const Execution found(b.graph(), node);
      graph::KernelCall call = found.call();
      EXPECT_TRUE(kernel->supports == nullptr || kernel->supports(call)) << c.op;
      Workspace workspace(kernel->workspace_bytes == nullptr
                              ? 0
                              : static_cast<size_t>(kernel->workspace_bytes(call, pool.size())));
      call.workspace = static_cast<std::byte*>(workspace.get());
      pool.run([&](Worker& worker) { kernel->run(call, worker, isa); });
      for (size_t i = 0; i < wanted.outputs().size(); ++i) {
        expect_same(found.outputs()[i], wanted.outputs()[i], fmt::format("{} output {}", c.op, i));
      }
    }
  }
}

}  // namespace
}  // namespace verge::kernels
