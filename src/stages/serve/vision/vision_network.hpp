#pragma once
// VisionNetwork: a network that takes pictures, whatever file it is of: ONNX, or a classifier by
// `verge train image`.
//
//   VERGE_TRY(const auto network, open_vision_network("net.onnx", pool, {}));
//   VERGE_TRY(const auto outputs, network->run(batch, {3, 224, 224, false}, values));
//
// One thread runs it at a time.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/stages/serve/vision/settings.hpp>

namespace verge::serve {

/// What a network's input allows; 0: any.
struct VisionInput {
  int64_t batch = 0;
  PictureShape shape = {};
};

class VisionNetwork {
 public:
  virtual ~VisionNetwork() = default;

  virtual const VisionInput& input() const = 0;
  /// What the file says of its pictures.
  virtual const VisionSettings& settings() const = 0;
  /// Axes of the first output; 0: the file does not say.
  virtual int output_rank() const = 0;
  /// Whether it takes pixels from 0 to 255 as they are.
  virtual bool takes_bytes() const = 0;
  /// All outputs as f32, the first axis the batch's, for values [batch, picture]. Compiles for
  /// sizes that are new; fails as that does, and with Unsupported for no output, or outputs of
  /// another batch.
  virtual Result<std::vector<Tensor>> run(int64_t batch, const PictureShape& shape,
                                          std::span<const float> values) = 0;
  /// Operators without a fast kernel, after a run.
  virtual std::vector<std::string> reference_nodes() const = 0;
  /// How it was shared out with a backend, after a run, for each size that is compiled.
  virtual std::vector<graph::PartitionReport> partitions() const { return {}; }
};

/// By the file's name: .onnx, or .safetensors of `verge train image`. Fails as their readers do,
/// and with Unsupported for a network whose input is no picture.
Result<std::unique_ptr<VisionNetwork>> open_vision_network(
    const std::string& path, ThreadPool& pool, const runtime::PlanOptions& options = {});

}  // namespace verge::serve
