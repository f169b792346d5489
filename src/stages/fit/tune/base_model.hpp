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
#include <verge/engine/runtime/trainer.hpp>

namespace verge::fit {

enum class BaseKind { Classifier, Onnx, LanguageModel, Levels };

struct BaseModel {
  std::string path = {};
  BaseKind kind = BaseKind::Classifier;
  /// Outputs "loss" and, of classifiers, "logits" [batch, classes]; inputs `images` [batch,
  /// channels, height, width] and "labels", or "tokens", "targets" and "positions". Where the loss
  /// is a squared error there are no logits, and "targets" instead of "labels".
  graph::Graph graph = {};
  graph::ValueId loss = graph::kNone;
  std::string images = {};
  std::map<std::string, runtime::InitialTensor> weights = {};  // f32; of Levels also i8 and i32
  int64_t copied_bytes = 0;          // of weights that a GGUF file has in another type than f32
  std::string hash = {};             // of the weights, hexadecimal
  model::ImageNetwork network = {};  // of classifiers; of Onnx the sizes alone
  nn::LevelForm input = {};          // of Levels: what a level of `images` is worth
  graph::LevelScales scales = {};    // of its i8 and i32 weights
  std::shared_ptr<const format::ModelSource> source = {};  // of LanguageModel
  nn::DecoderConfig config = {};

  bool is_language_model() const { return kind == BaseKind::LanguageModel; }
  bool has_classes() const { return graph.find("labels") != graph::kNone; }
  /// A weight's values as reals.
  std::vector<float> values(const std::string& name) const;
};

struct BaseShape {
  int64_t batch = 1;
  int64_t tokens = 128;  // of each window of text
  /// Channels, height and width of an ONNX network's input, where its file leaves them open.
  std::vector<int64_t> image = {};
  std::string image_name = {};  // of that input; empty: whatever it is called
  /// The loss, of ONNX networks: the mean squared difference between the output and, where it has
  /// the input's shape, the input, where it is [batch, 1], the class as a number. Else
  /// cross-entropy.
  bool squared_error = false;
};

/// Opens a safetensors file of `verge train image` or of levels (model/level_file.hpp), an ONNX
/// classifier of images, or a dense Llama or Qwen model as a GGUF file. Batch norm is frozen. Fails
/// as their readers do; an ONNX network must have one input of images and one output [batch,
/// classes], else Unsupported; with InvalidArgument for extents that are open or do not fit, and
/// for a squared error of another model than an ONNX network.
Result<BaseModel> open_base_model(const std::string& path, const BaseShape& shape);

}  // namespace verge::fit
