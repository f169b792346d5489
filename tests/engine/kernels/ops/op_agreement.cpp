#include "op_agreement.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/quant/quantize.hpp>

#include "../random_data.hpp"
#include "../workspace.hpp"

namespace verge::kernels {
namespace {

using Fill = std::function<double(size_t, Rng&)>;

// Values that no kernel may leave in a result.
constexpr int kStale = 0x7f;

// Output `output` lies in the memory of input `input`.
using Places = std::vector<std::pair<size_t, size_t>>;

Tensor filled(const graph::Graph& graph, const graph::Type& type, const Fill& fill, uint64_t seed) {
  Tensor tensor(type.dtype, graph.bound_shape(type));
  Rng rng(seed);
  std::vector<double> values(static_cast<size_t>(tensor.shape().count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = fill(i, rng);
  if (!is_quantized(type.dtype)) {
    graph::store(tensor.view(), values);
    return tensor;
  }
  const std::vector<float> floats(values.begin(), values.end());
  EXPECT_TRUE(
      quant::quantize_row(type.dtype, floats.data(), tensor.view().data, tensor.shape().count()));
  return tensor;
}

// The node of a case, its inputs' values, and one run over copies of them.
class Bench {
 public:
  explicit Bench(const OpCase& c) : case_(c), builder_("one") {
    std::vector<graph::ValueId> inputs;
    for (const OpInput& operand : c.inputs) {
      const auto name = fmt::format("x{}", inputs.size());
      inputs.push_back(operand.fill ? builder_.state(name, operand.type) : graph::kNone);
    }
    builder_.op_all(c.op, inputs, c.attrs);
    VERGE_CHECK(!builder_.failed(), c.op);
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      const OpInput& operand = c.inputs[i];
      originals_.push_back(operand.fill ? filled(graph(), operand.type, operand.fill, i + 1)
                                        : Tensor());
    }
  }

  const graph::Graph& graph() const { return builder_.graph(); }
  const graph::Node& node() const { return builder_.graph().nodes.back(); }

  /// Copies the inputs and lays out the outputs.
  void prepare(const Places& places) {
    copies_.clear();
    inputs_.clear();
    outputs_.clear();
    for (const Tensor& original : originals_) {
      if (original.view().data == nullptr) {
        inputs_.emplace_back();
        continue;
      }
      copies_.emplace_back(original.dtype(), original.shape());
      std::memcpy(copies_.back().view().data, original.view().data,
                  static_cast<size_t>(original.view().bytes()));
      inputs_.push_back(copies_.back().view());
    }
    for (size_t i = 0; i < node().outputs.size(); ++i) outputs_.push_back(output(i, places));
  }

  std::vector<std::vector<double>> results() const {
    std::vector<std::vector<double>> results;
    for (const TensorView& view : outputs_) {
      results.push_back(view.data == nullptr ? std::vector<double>() : graph::load(view));
    }
    return results;
  }

  std::vector<std::vector<double>> by_reference() {
    prepare(required());
    node().op->reference({inputs_, outputs_, node().attrs});
    return results();
  }

  std::vector<std::vector<double>> by_kernel(const KernelDef& kernel, Isa isa, ThreadPool& pool,
                                             const Places& places) {
    prepare(places);
    graph::KernelCall call{inputs_, outputs_, node().attrs};
    pack_weights(kernel, call, pool, isa);
    EXPECT_TRUE(kernel.supports == nullptr || kernel.supports(call)) << case_.op;
    Workspace workspace(kernel.workspace_bytes == nullptr
                            ? 0
                            : static_cast<size_t>(kernel.workspace_bytes(call, pool.size(), isa)));
    call.workspace = static_cast<std::byte*>(workspace.get());
    pool.run([&](Worker& worker) { kernel.run(call, worker, isa); });
    return results();
  }

  Places required() const {
    Places places;
    for (const graph::Alias& alias : node().op->aliases) {
      if (alias.required) add(places, alias);
    }
    return places;
  }

  /// Every layout a plan may choose: none in place but what must be, each that may be alone, all.
  std::vector<Places> layouts() const {
    std::vector<Places> layouts = {required()};
    Places all = required();
    for (const graph::Alias& alias : node().op->aliases) {
      if (alias.required) continue;
      Places alone = required();
      if (!add(alone, alias)) continue;
      layouts.push_back(alone);
      add(all, alias);
    }
    if (all.size() > required().size() + 1) layouts.push_back(all);
    return layouts;
  }

 private:
  bool is_read(size_t output) const {
    return output < node().outputs.size() && std::ranges::count(case_.unread, output) == 0;
  }

  bool is_given(size_t input) const {
    return input < case_.inputs.size() && case_.inputs[input].fill &&
           !case_.inputs[input].is_packed;
  }

  // Adds the alias where memory of that size is there and still free.
  bool add(Places& places, const graph::Alias& alias) const {
    const auto output = static_cast<size_t>(alias.output), input = static_cast<size_t>(alias.input);
    if (!is_read(output) || !is_given(input)) return false;
    if (graph().value(node().outputs[output]).type != case_.inputs[input].type) return false;
    for (const auto& [out, in] : places) {
      if (out == output || in == input) return false;
    }
    places.emplace_back(output, input);
    return true;
  }

  TensorView output(size_t i, const Places& places) {
    if (!is_read(i)) return {};
    for (const auto& [out, in] : places) {
      if (out == i) return inputs_[in];
    }
    const graph::Type& type = graph().value(node().outputs[i]).type;
    copies_.emplace_back(type.dtype, graph().bound_shape(type));
    const TensorView view = copies_.back().view();
    std::memset(view.data, kStale, static_cast<size_t>(view.bytes()));
    return view;
  }

  void pack_weights(const KernelDef& kernel, graph::KernelCall& call, ThreadPool& pool, Isa isa) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!case_.inputs[i].is_packed) continue;
      EXPECT_TRUE(kernel.wants_packed != nullptr && kernel.wants_packed(call, i)) << case_.op;
      TensorView& view = inputs_[i];
      call.packed |= 1u << i;
      if (kernel.prepare != nullptr) {
        packed_.push_back(
            allocate_aligned(static_cast<size_t>(kernel.prepared_bytes(call, i, isa))));
        pool.run(
            [&](Worker& worker) { kernel.prepare(call, i, packed_.back().get(), worker, isa); });
        view.data = packed_.back().get();
        continue;
      }
      const int64_t rows = view.shape.rows(), cols = view.shape.back();
      packed_.push_back(
          allocate_aligned(static_cast<size_t>(packed_bytes(view.dtype, rows, cols))));
      pool.run([&](Worker& worker) {
        pack(view.dtype, view.data, rows, cols, packed_.back().get(), worker);
      });
      view.data = packed_.back().get();
    }
  }

  const OpCase& case_;
  graph::Builder builder_;
  std::vector<Tensor> originals_, copies_;
  std::vector<AlignedBuffer> packed_;
  std::vector<TensorView> inputs_, outputs_;
};

// Whether anybody may use this element of an output.
bool is_used(const OpCase& c, const Shape& shape, size_t i) {
  if (c.channels == 0 || shape.rank() != 5) return true;
  const auto at = static_cast<int64_t>(i);
  const int64_t block = at / (shape[2] * shape[3] * shape[4]) % shape[1];
  return block * shape[4] + at % shape[4] < c.channels;
}

void expect_near(const OpCase& c, const Shape& shape, const std::vector<double>& found,
                 const std::vector<double>& wanted, const std::string& what) {
  const double tolerance = c.tolerance;
  ASSERT_EQ(found.size(), wanted.size()) << what;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!is_used(c, shape, i)) continue;
    ASSERT_NEAR(found[i], wanted[i], tolerance * (1 + std::abs(wanted[i]))) << what << " at " << i;
  }
}

}  // namespace

OpInput reals(graph::Dims dims) {
  return {{DType::F32, std::move(dims)}, [](size_t, Rng& rng) { return rng.normal(); }};
}

OpInput positive(graph::Dims dims) {
  return {{DType::F32, std::move(dims)}, [](size_t, Rng& rng) { return 0.5 + rng.uniform(); }};
}

OpInput below(uint32_t bound, graph::Dims dims, DType dtype) {
  return {{dtype, std::move(dims)}, [bound](size_t, Rng& rng) { return rng.below(bound); }};
}

OpInput given(graph::Dims dims, std::vector<double> values, DType dtype) {
  return {{dtype, std::move(dims)},
          [values = std::move(values)](size_t i, Rng&) { return values.at(i); }};
}

OpInput stored(DType dtype, graph::Dims dims) {
  const double deviation = 1 / std::sqrt(static_cast<double>(dims.back().factor));
  return {{dtype, std::move(dims)},
          [deviation](size_t, Rng& rng) { return deviation * rng.normal(); }};
}

OpInput packed(DType dtype, graph::Dims dims) {
  OpInput operand = stored(dtype, std::move(dims));
  operand.is_packed = true;
  return operand;
}

OpInput levels(DType dtype, graph::Dims dims) {
  const int least = graph::least_level(dtype);
  return {{dtype, std::move(dims)},
          [least](size_t, Rng& rng) { return least + static_cast<int>(rng.below(256)); }};
}

OpInput packed_levels(graph::Dims dims) {
  OpInput operand = levels(DType::I8, std::move(dims));
  operand.is_packed = true;
  return operand;
}

OpInput absent() {
  return {};
}

void expect_agreement(const OpCase& c) {
  const KernelDef* kernel = find_kernel(c.op);
  ASSERT_NE(kernel, nullptr) << c.op;
  ThreadPool pool(2);
  Bench bench(c);
  const auto wanted = bench.by_reference();
  for (const Isa isa : machine_isas()) {
    for (const Places& places : bench.layouts()) {
      const auto found = bench.by_kernel(*kernel, isa, pool, places);
      for (size_t i = 0; i < wanted.size(); ++i) {
        const graph::ValueId id = bench.node().outputs[i];
        const Shape shape =
            id == graph::kNone ? Shape() : bench.graph().bound_shape(bench.graph().value(id).type);
        expect_near(
            c, shape, found[i], wanted[i],
            fmt::format("{}, {}, output {}, {} in place", c.op, name(isa), i, places.size()));
      }
    }
  }
}

std::vector<std::vector<double>> reference_of(const OpCase& c) {
  return Bench(c).by_reference();
}

}  // namespace verge::kernels
