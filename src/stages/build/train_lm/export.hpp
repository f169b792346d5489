#pragma once
// Writes a trained language model as a GGUF file that Verge and llama.cpp run.

#include <string>
#include <utility>
#include <vector>

#include <verge/engine/nn/config.hpp>
#include <verge/engine/runtime/trainer.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::build {

struct LmExport {
  const nn::DecoderConfig& config;
  const text::Vocabulary& vocabulary;
  const std::vector<std::pair<std::string, TensorView>>& parameters;
  DType type;                                                // of matrices; vectors stay F32
  std::vector<std::pair<std::string, std::string>> lineage;  // keys below "verge.lineage."
};

/// Exit heads are metadata (verge.exit_layers, verge.exit.N.norm), because other readers refuse
/// unknown tensors.
Status export_lm(const LmExport& lm, const std::string& path, ThreadPool& pool);

}  // namespace verge::build
