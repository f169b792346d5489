#pragma once
// LanguageModel: a decoder-only Transformer loaded from a file and ready to answer: weights,
// tokenizer, compiled plans. Sessions of it run one at a time, on the pool it was given.
//
//   ThreadPool pool(2);
//   VERGE_TRY(auto model, LanguageModel::load("model.gguf", {}, pool));
//   runtime::Session session = model->session();
//   VERGE_RETURN_IF_ERROR(session.append(model->tokenizer().encode("Once upon a time")));
//   session.logits();

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/model/memory_need.hpp>
#include <verge/engine/nn/config.hpp>
#include <verge/engine/nn/decoder.hpp>
#include <verge/engine/runtime/session.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::graph {
struct AdapterLayout;
}

namespace verge::runtime {
struct PlanFile;
struct Residency;
class WeightStream;
}  // namespace verge::runtime

namespace verge::model {

/// A LoRA adapter of the model: a GGUF file of llama.cpp or a folder of PEFT.
struct AdapterSpec {
  std::string name = {};
  std::string path = {};
  float scale = 1;  // beside the adapter's own alpha
};

struct LoadOptions {
  int64_t context = 0;        // most tokens of a sequence; 0: the model's own, at most 4096
  int64_t max_tokens = 512;   // of one prefill run
  int64_t max_outputs = 1;    // rows of logits of one run; more when all tokens' logits are wanted
  int64_t max_sequences = 1;  // that run at once; there are as many rows of logits at least
  int64_t kv_tokens = 0;      // tokens in the cache, of all sequences together; 0: one context
  DType kv_dtype = DType::F16;
  /// Most that weights, cache and activations take together; weights that do not fit are read from
  /// the file while the model runs. 0: no ceiling, all weights are in memory.
  int64_t memory_bytes = 0;
  int64_t process_bytes = 0;  // of the ceiling, for whatever else the process holds
  bool embeds = false;        // room below the ceiling is kept for prepare_hidden, where there is
  kernels::Isa isa = kernels::best_isa();
  bool canaries = false;  // see runtime::PlanOptions
  double slowdown = 1;    // see runtime::Slowdown
  std::string plan = {};  // a file of `verge compile`; empty: compile now
  std::vector<AdapterSpec> adapters = {};
  int64_t max_adapters = 0;  // room for so many in all, for add_adapter; those given have theirs
  int64_t adapter_rank = 0;  // most rank of those that follow; 0: 64
  /// Only these layers, from a whole file or a split one; the others take no memory. There must be
  /// a head after them. Layers that do not begin with the first run by runtime::run_layers alone.
  nn::LayerSpan layers = {};
  /// F32, F16 or BF16 to keep them in. Nothing: the 16-bit type that all given files have, else
  /// F32.
  std::optional<DType> adapter_dtype = {};
};

class AdapterSet;

class LanguageModel {
 public:
  /// Fails with NotFound or Malformed for a bad file, Unsupported for an unknown architecture or
  /// tensor type, OutOfMemory when weights and context exceed the memory that is there
  /// or the ceiling.
  /// Adapters: as AdapterSet::load; Conflict with a plan, which has none. Unsupported for layers
  /// that the file does not have, or after which there is no head; a split file is no whole model.
  static Result<std::unique_ptr<LanguageModel>> load(const std::string& path,
                                                     const LoadOptions& options, ThreadPool& pool);
  ~LanguageModel();

  const format::ModelSource& source() const { return source_; }
  const nn::DecoderConfig& config() const { return config_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  runtime::Decoder& decoder() { return *decoder_; }
  /// Makes decoder().hidden unless it exists: another program over the same weights and pages,
  /// which takes memory for its activations only.
  Status prepare_hidden();
  /// Plans of some of the loaded layers for runtime::run_layers, over the same weights and pages:
  /// made when first wanted, they live as long as the model. They have states where others follow,
  /// and logits where a head does. `max_tokens`: rows of one run; 0: the decoder's. Fails with
  /// Unsupported for layers that are not loaded.
  Result<runtime::LayerPlans*> prepare_layers(nn::LayerSpan layers, int64_t max_tokens = 0);
  /// The layers before the exit head after `layers` layers, 0 for the first one, for a token of
  /// each sequence. Fails with Unsupported, naming those there are, for a head that the model does
  /// not have.
  Result<runtime::LayerPlans*> prepare_exit(int64_t layers);
  runtime::Session session() { return runtime::Session(*decoder_); }
  /// The adapter of this name, for StepItem::adapter and Session::set_adapter.
  std::optional<int32_t> adapter(std::string_view name) const;
  /// Loads one more, between steps; its index. Fails with Busy without room (max_adapters), with
  /// Unsupported for a rank beyond adapter_rank, else as load does; then nothing has changed.
  Result<int32_t> add_adapter(const AdapterSpec& spec);
  /// Private memory: repacked weights.
  int64_t weights_bytes() const { return weights_.private_bytes(); }
  /// What stays in memory and what is streamed; null where all stays.
  const runtime::Residency* residency() const { return weights_.residency(); }
  const runtime::WeightStream* stream() const { return weights_.stream(); }

 private:
  LanguageModel(format::ModelSource source, const LoadOptions& options, ThreadPool& pool);
  Status add_adapters();
  const graph::AdapterLayout* layout() const;
  void release_files();
  Status compile();
  Status choose_residency(const runtime::PlanFile& compiled);
  Status take_spare(std::initializer_list<const runtime::Program*> programs);
  Result<runtime::Plan> bind(runtime::Program program);

  format::ModelSource source_;
  LoadOptions options_;
  ThreadPool& pool_;
  nn::DecoderConfig config_;
  nn::LayerSpan layers_;  // that are loaded
  nn::DecoderShape shape_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::unique_ptr<AdapterSet> adapters_;  // null: the graphs have none
  runtime::WeightStore weights_;
  runtime::StateStore states_;
  std::unique_ptr<runtime::Decoder> decoder_;
  int64_t spare_bytes_ = 0;                                  // below the ceiling
  std::vector<std::unique_ptr<runtime::LayerPlans>> parts_;  // what prepare_layers has made
};

}  // namespace verge::model
