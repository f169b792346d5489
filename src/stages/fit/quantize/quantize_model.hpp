#pragma once
// quantize_model: a whole model, GGUF or a folder of safetensors, to a GGUF file of a recipe's
// types, tensor by tensor: it holds a few tens of megabytes whatever the model's size.
//
//   VERGE_TRY(ModelSource source, ModelSource::open("f16.gguf"));
//   VERGE_TRY(QuantizeReport report, quantize_model(source, recipe, "q4.gguf", {}, pool, clock));

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/fit/quantize/recipe.hpp>

namespace verge::fit {

struct TensorReport {
  std::string name;
  Shape shape;
  std::string source_type;
  TypeChoice choice;
  int64_t bytes = 0;
  quant::QuantError error;  // against the source's values; zeros where they were only copied
};

struct QuantizeReport {
  std::vector<TensorReport> tensors;
  int64_t source_bytes = 0;  // of all tensors
  int64_t bytes = 0;
  double rmse = 0;      // over all values
  double relative = 0;  // sqrt(sum of squared errors / sum of squares), over all values
  double seconds = 0;
  bool requantized = false;  // the source had quantized tensors already: errors add up
};

struct QuantizeProgress {
  std::string_view tensor;
  int64_t done_values = 0;
  int64_t all_values = 0;
  double seconds = 0;
};

struct QuantizeOptions {
  std::string program = "verge";  // general.quantized_by
  std::string command;            // verge.lineage.command
  std::function<void(const QuantizeProgress&)> on_progress;
  const std::atomic<bool>* cancel = nullptr;  // true ends it with Cancelled and no file
};

/// Writes `out` whole or not at all; it may be the source's own path. Adds general.quantized_by,
/// general.file_type and verge.lineage.{source,command} to the metadata. Fails with Malformed for a
/// value that is NaN or infinite, naming tensor and index, Unsupported for a tensor type that
/// cannot be read, Io as AtomicFile does.
Result<QuantizeReport> quantize_model(const format::ModelSource& source, const Recipe& recipe,
                                      const std::string& out, const QuantizeOptions& options,
                                      ThreadPool& pool, const Clock& clock);

/// What a recipe must know of this model. Fails as nn::read_config does.
Result<ModelFacts> read_model_facts(const format::ModelSource& source);

}  // namespace verge::fit
