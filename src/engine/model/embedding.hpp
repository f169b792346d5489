#pragma once
// embed: one vector for a whole text, from the hidden states of a decoder (Reimers & Gurevych 2019
// for the kinds of pooling).

#include <span>
#include <vector>

#include <verge/engine/model/language_model.hpp>

namespace verge::model {

enum class Pooling : uint8_t {
  Mean,  // of all tokens' hidden states
  Cls,   // that of the first token
  Last,  // that of the last token
};

/// What the file says by "<architecture>.pooling_type", else Mean. Fails with Unsupported for a
/// kind that is none of these (ranking).
Result<Pooling> pooling_of(const format::ModelSource& source);

/// The pooled hidden state of one text, whose tokens are run chunk by chunk: the same bits however
/// they are cut.
class PooledState {
 public:
  PooledState(Pooling pooling, int64_t d_model)
      : pooling_(pooling), sum_(static_cast<size_t>(d_model)) {}

  /// How many of the text's first tokens count: nothing after the first is seen by it.
  int64_t tokens(int64_t text) const { return pooling_ == Pooling::Cls ? 1 : text; }
  /// Of a chunk's tokens, how many of the last have hidden states that count.
  int64_t rows(int64_t chunk, bool is_last) const {
    return pooling_ == Pooling::Mean ? chunk : is_last ? 1 : 0;
  }
  /// Takes so many rows of the decoder's last step, from `first` on.
  void add(const runtime::Decoder& decoder, int64_t first, int64_t rows);
  /// [d_model]; some rows must have been added.
  std::vector<float> value() const;

 private:
  Pooling pooling_;
  std::vector<double> sum_;
  int64_t rows_ = 0;
};

/// The pooled hidden state [d_model] after the last norm, not divided by its length. Uses pages of
/// the model's pool while it runs, and makes the model's hidden program on first use. Fails with
/// InvalidArgument for no tokens or more than the context, else as runtime::run_step does.
Result<std::vector<float>> embed(LanguageModel& model, std::span<const int32_t> tokens,
                                 Pooling pooling, const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::model
