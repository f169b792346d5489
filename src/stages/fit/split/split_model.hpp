#pragma once
// split_model: one language model with early exits as two files (CE-CoLLM, arXiv 2411.02829): an
// edge file of the first layers with two exit heads, and a cloud file of the rest. Each node keeps
// its own file, and model::LanguageModel loads it by LoadOptions::layers.
//
//   VERGE_TRY(ModelSource source, ModelSource::open("ee.gguf"));
//   VERGE_TRY(SplitReport report, split_model(source, {}, "edge.gguf", "cloud.gguf"));

#include <string>
#include <vector>

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::fit {

/// Layers before the exit heads; 0, 0: the model's first two.
struct SplitPoints {
  int64_t first = 0;   // e1: its states go to the cloud
  int64_t second = 0;  // e2 > e1: the edge has nothing above
};

struct SplitPart {
  std::string path;
  nn::LayerSpan layers;
  int64_t tensors = 0;
  int64_t bytes = 0;  // of the file
};

struct SplitReport {
  std::string model;      // model::model_hash
  std::string tokenizer;  // model::tokenizer_hash
  SplitPoints exits;
  int64_t layers = 0;  // of the whole model
  int64_t source_bytes = 0;
  SplitPart edge;   // layers [0, e2)
  SplitPart cloud;  // layers [e1, layers)
};

/// Writes both files, each whole or not at all; `command` becomes verge.lineage.command. The
/// tensors are the source's, bit for bit. Fails with Unsupported for an exit without a head (naming
/// those there are) or a file that is split already, InvalidArgument for e1 >= e2 or paths that are
/// the same, Io as AtomicFile does.
Result<SplitReport> split_model(const format::ModelSource& source, SplitPoints exits,
                                const std::string& edge_path, const std::string& cloud_path,
                                const std::string& command = {});

}  // namespace verge::fit
