#pragma once
// ModelFace: what can be said of a model without loading its weights: enough to tokenize, to apply
// the chat template, and to refuse what can never fit.

#include <memory>
#include <string>

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/speculation/draft_source.hpp>

namespace verge::serve {

class RunnerKind;

struct ServedModel {
  std::string name;
  std::string path;
  model::LoadOptions load = {};  // max_sequences and kv_tokens say how much it serves at once
  DraftSource drafts = {};  // what guesses ahead; a draft model is loaded beside, with as much room
  std::shared_ptr<const RunnerKind> runner = {};  // task_runner.hpp; null: a Batch runs it
};

/// Immutable: any thread.
struct ModelFace {
  std::string name;
  format::ModelSource source;  // metadata: the chat template, general.*
  nn::DecoderConfig config;
  std::unique_ptr<text::Tokenizer> tokenizer;
  model::LoadOptions load;            // as served; below a ceiling where the weights do not fit
  model::MemoryNeed need;             // a draft model's included
  model::MemoryNeed draft_need;       // of it
  std::vector<std::string> adapters;  // in the order in which the model has them
  std::shared_ptr<const RunnerKind> runner;  // as served
  int64_t context = 0;                       // most tokens of a sequence
  int64_t kv_tokens = 0;                     // most tokens of all sequences together

  /// Most tokens that one request's prompt and answer may have, but for the last.
  int64_t limit() const { return context < kv_tokens ? context : kv_tokens; }
};

/// Fails as LanguageModel::load does for a bad file or bad options, as check_same_vocabulary for a
/// draft model, Unsupported for exit heads that are not there.
Result<std::shared_ptr<const ModelFace>> read_face(const ServedModel& model);

/// The same for a model that may take so much. Weights that exceed it are streamed, below
/// `ceiling_bytes`, those of a draft model never; what does not fit even so is OutOfMemory, with
/// the numbers.
Result<std::shared_ptr<const ModelFace>> read_face(const ServedModel& model, int64_t budget_bytes,
                                                   int64_t ceiling_bytes);

}  // namespace verge::serve
