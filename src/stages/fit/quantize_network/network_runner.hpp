#pragma once
// A model in memory, run on samples: compiled for the shapes that come, again where they change.

#include <memory>

#include <verge/engine/format/onnx/types.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

namespace verge::fit {

class NetworkRunner {
 public:
  static Result<NetworkRunner> of(const format::onnx::ModelData& model, ThreadPool& pool);

  /// All outputs as f32. Fails as OnnxNetwork::compile does, for a sample that does not fit, and
  /// with Unsupported for an output whose rows are known only when the network has run.
  Result<std::vector<Tensor>> run(const NetworkSample& sample);

 private:
  explicit NetworkRunner(ThreadPool& pool) : pool_(&pool) {}

  ThreadPool* pool_;
  std::unique_ptr<std::string> bytes_;
  std::unique_ptr<format::onnx::Onnx> file_;
  std::unique_ptr<model::OnnxNetwork> network_;
  std::vector<Shape> shapes_;
};

}  // namespace verge::fit
