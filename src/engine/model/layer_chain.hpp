#pragma once
// LayerChain: a model's layers in parts that end where exits do, run one after the other over the
// same tokens, to see what flows between them and what each exit's head says.

#include <span>
#include <vector>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/step.hpp>

namespace verge::model {

struct ChainRows {
  std::vector<std::vector<float>> states = {};  // [tokens, d_model] after each cut
  /// Rows of logits [outputs, vocab] after each cut, then the model's own; empty without a head.
  std::vector<std::vector<float>> logits = {};
};

class LayerChain {
 public:
  /// `cuts`: layers before each, in order. Without `to_end` nothing above the last cut runs. The
  /// model must outlive it. Fails as prepare_layers.
  static Result<LayerChain> create(LanguageModel& model, std::span<const int64_t> cuts,
                                   bool to_end = true);

  /// A new text.
  void begin() { sequence_.truncate(0); }
  /// The next tokens of the text; the last `outputs` of them get logits. Fails as run_layers.
  Result<ChainRows> run(std::span<const int32_t> tokens, int64_t outputs = 1);

 private:
  struct Part {
    runtime::LayerPlans* plans;
    bool has_head;
    bool has_states;
  };
  explicit LayerChain(runtime::Decoder& decoder) : decoder_(&decoder), sequence_(decoder) {}

  runtime::Decoder* decoder_;
  std::vector<Part> parts_;
  runtime::Sequence sequence_;
};

}  // namespace verge::model
