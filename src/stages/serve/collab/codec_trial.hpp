#pragma once
// CodecTrial: what a codec of hidden states costs: how far the upper layers' predictions move when
// the states that they are given went through it, and how long packing takes. The cheapest codec
// that moves them little enough is what states should travel in.

#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/step.hpp>

namespace verge::serve {

struct CodecLoss {
  std::string codec = {};
  double kl = 0;        // nats: KL(whole model || upper layers behind the codec), mean
  double top1 = 0;      // share of predictions whose likeliest token stays
  double bytes = 0;     // of one state
  double encode_s = 0;  // to pack one state on this machine
  int64_t predictions = 0;
};

/// Sum of p log(p / q) over the vocabulary, in nats, of two rows of logits.
double kl_divergence(std::span<const float> logits, std::span<const float> others);

class CodecTrial {
 public:
  /// Of states after the first `exit` layers, of a model that has the layers above. All must
  /// outlive it. It takes pages for each token from begin() on. Fails as prepare_layers, and with
  /// InvalidArgument for an unknown codec.
  static Result<CodecTrial> create(model::LanguageModel& model, int64_t exit, std::string codec,
                                   const Clock& clock);

  /// A new text.
  void begin() { sequence_.truncate(0); }
  /// The next tokens of the text with their states [tokens, d_model], and what the whole model says
  /// after the last of them [vocab]. False where this codec's likeliest token is another.
  Result<bool> run(std::span<const int32_t> tokens, std::span<const float> states,
                   std::span<const float> whole);
  /// Means over all runs so far.
  CodecLoss loss() const;

 private:
  CodecTrial(runtime::Decoder& decoder, runtime::LayerPlans& upper, std::string codec,
             const Clock& clock)
      : decoder_(&decoder),
        upper_(&upper),
        codec_(std::move(codec)),
        clock_(&clock),
        sequence_(decoder) {}

  runtime::Decoder* decoder_;
  runtime::LayerPlans* upper_;
  std::string codec_;
  const Clock* clock_;
  runtime::Sequence sequence_;
  double kl_ = 0, pack_s_ = 0;
  int64_t runs_ = 0, agreeing_ = 0, states_ = 0, bytes_ = 0;
};

struct CodecChoice {
  double most_kl = 0.005;
  /// Of the link that states go over; 0: unknown, and of codecs the one with the fewest bytes is
  /// the cheapest, of those with equally many the fastest.
  double link_bytes_per_s = 0;
};

/// Index of the codec that takes the least time to pack and to send, among those within most_kl; of
/// the least KL where none is. There must be one at least.
size_t choose_codec(std::span<const CodecLoss> losses, const CodecChoice& choice);

}  // namespace verge::serve
