#pragma once
// BaseModel: what a model file gives to fine-tuning: its forward graph with a loss, its weights
// where they lie, and what inputs it takes.

#include <map>
#include <memory>
#include <string>

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/graph/ir.hpp>
#include <verge/engine/model/image_network.hpp>
#include <verge/engine/nn/config.hpp>
#include <verge/engine/nn/level_network.hpp>
#include <verge/engine/nn/update_scheme.hpp>
#include <verge/engine/onnx/import.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::fit {

enum class BaseKind { Classifier, Onnx, LanguageModel, Levels };

/// Names of the output that a loss is behind.
inline constexpr const char *kLogits = "logits", *kPrediction = "prediction";

struct BaseModel {
  std::string path = {};
  BaseKind kind = BaseKind::Classifier;
  /// Outputs "loss" and, with classes, "logits" [batch, ..., classes]; inputs "labels" [batch, ...]
  /// and `images` [batch, channels, height, width], or those of `inputs`; of language models
  /// "tokens", "targets" and "positions", and the logits are an output of evaluation alone. Where
  /// the loss is a squared error there is "prediction" instead of "logits", and "targets" like it
  /// instead of "labels".
  graph::Graph graph = {};
  graph::ValueId loss = graph::kNone;
  std::string images = {};                                     // empty: it takes no pictures
  std::vector<onnx::Port> inputs = {};                         // of Onnx: those that data fills
  std::map<std::string, runtime::InitialTensor> weights = {};  // f32; of Levels also i8 and i32
  /// Of Onnx: where in the file they lie.
  std::map<std::string, onnx::WeightOrigin> origins = {};
  int64_t copied_bytes = 0;          // of weights that the file has in another type or order
  std::string hash = {};             // of the weights, hexadecimal
  model::ImageNetwork network = {};  // of classifiers; of Onnx the sizes alone
  nn::LevelForm input = {};          // of Levels: what a level of `images` is worth
  graph::LevelScales scales = {};    // of its i8 and i32 weights
  std::shared_ptr<const format::ModelSource> source = {};  // of LanguageModel
  nn::DecoderConfig config = {};

  bool is_language_model() const { return kind == BaseKind::LanguageModel; }
  bool takes_pictures() const { return !images.empty(); }
  bool has_classes() const { return graph.find("labels") != graph::kNone; }
  /// A weight's values as reals.
  std::vector<float> values(const std::string& name) const;
};

struct BaseShape {
  int64_t batch = 1;
  int64_t tokens = 128;  // of each window of text
  /// Of an ONNX network: how large inputs are, where the file leaves it open, and the values of
  /// single integers; complete_shape() finds the rest.
  std::vector<onnx::InputBinding> inputs = {};
  std::string output = {};  // of an ONNX network, that the loss is behind; empty: the first
  /// The loss, of ONNX networks: the mean squared difference between the output and a target like
  /// it. Else cross-entropy.
  bool squared_error = false;
};

/// A checksum of all weights, hexadecimal.
std::string hash_of_weights(const BaseModel& base);

/// Opens a safetensors file of `verge train image` or of levels (model/level_file.hpp), an ONNX
/// network (onnx_base.hpp), or a dense Llama or Qwen model as a GGUF file. Batch norm is frozen.
/// Fails as their readers do, and with InvalidArgument for extents, an output or a squared error of
/// another model than an ONNX network.
Result<BaseModel> open_base_model(const std::string& path, const BaseShape& shape);

}  // namespace verge::fit
