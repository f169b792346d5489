#pragma once
// OnnxNetwork: a network of an ONNX file, compiled for inputs of given shapes and run on tensors.
//
//   VERGE_TRY(auto file, format::onnx::Onnx::open("net.onnx"));
//   VERGE_TRY(auto network, OnnxNetwork::compile(file, bindings, pool));
//   VERGE_RETURN_IF_ERROR(network.set_input("x", image.view()));
//   network.run();
//   Tensor answer = network.output(0);

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/engine/graph/passes/choose_layout.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/onnx/import.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::model {

/// How an element of ONNX is given and taken: float16 as f16, bool as u8, bfloat16 as f32, and
/// integers that Verge has no type for as i64.
DType outer_dtype(format::onnx::ElementType type);

/// A file's Graph after the passes, with the weights that it reads.
struct OnnxGraph {
  graph::Graph graph;
  std::shared_ptr<runtime::WeightStore> weights;
  std::vector<onnx::Port> inputs, outputs;
  graph::PartitionReport partition = {};  // where a backend was given
};

struct OnnxGraphOptions {
  std::vector<std::string> disabled_passes = {};
  graph::NodeSeconds node_seconds = {};  // lays images out for running here: choose_layout.hpp
  const graph::Capability* backend = nullptr;  // takes regions
};

/// Fails as onnx::import_onnx does, and for names in `disabled_passes` that are none.
Result<OnnxGraph> optimized_onnx(const format::onnx::Onnx& file,
                                 std::span<const onnx::InputBinding> inputs,
                                 OnnxGraphOptions options = {});

class OnnxNetwork {
 public:
  /// Regions of its graph are given to the first of `options.backends`, if there is one. Fails as
  /// onnx::import_onnx does, and as Plan::compile; a backend that is to be timed and fails is left
  /// out.
  static Result<OnnxNetwork> compile(const format::onnx::Onnx& file,
                                     std::span<const onnx::InputBinding> inputs, ThreadPool& pool,
                                     const runtime::PlanOptions& options = {});

  std::span<const onnx::Port> inputs() const { return inputs_; }
  std::span<const onnx::Port> outputs() const { return outputs_; }

  /// Copies a tensor of the input's shape, and of integers where it has integers; an input with a
  /// constant value takes no other. Fails with InvalidArgument otherwise.
  Status set_input(std::string_view name, const TensorView& values);
  /// Uniform in [0, 1) for floats, 0 for all else.
  void fill_inputs(uint64_t seed);
  void run() { plan_.run({}); }
  /// A copy of outputs()[i] after a run, as outer_dtype says; of one with `rows` those that count.
  Tensor output(size_t i);

  /// What was given to a backend; its `backend` is empty where none was given or it is slower.
  const graph::PartitionReport& partition() const { return partition_; }
  /// Why the backend that was to be timed is left out; empty where it is not.
  const std::string& backend_failure() const { return backend_failure_; }

  runtime::Plan& plan() { return plan_; }
  const runtime::Plan& plan() const { return plan_; }

 private:
  OnnxNetwork(OnnxGraph network, std::unique_ptr<runtime::StateStore> states, runtime::Plan plan);
  static Result<OnnxNetwork> bind(const format::onnx::Onnx& file,
                                  std::span<const onnx::InputBinding> inputs,
                                  const graph::Capability* backend, ThreadPool& pool,
                                  const runtime::PlanOptions& options);
  static Result<OnnxNetwork> fastest(const format::onnx::Onnx& file,
                                     std::span<const onnx::InputBinding> inputs, ThreadPool& pool,
                                     const runtime::PlanOptions& options);
  TensorView place_of(const onnx::Port& output);

  std::shared_ptr<runtime::WeightStore> weights_;
  std::unique_ptr<runtime::StateStore> states_;
  runtime::Plan plan_;
  std::vector<onnx::Port> inputs_, outputs_;
  graph::PartitionReport partition_;
  std::string backend_failure_;
};

}  // namespace verge::model
