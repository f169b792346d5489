#pragma once
// EdgeLayers: the device's half of a split language model, without any link: layers up to the first
// exit for every token, those up to the second only where they are needed, and then for all tokens
// that left before, so that keys and values have no holes.
//
//   layers.append(prompt, [](StateRun run) { ... });   // both parts
//   layers.step(token);                                // first part: states(), exit1_logits()
//   if (!sure || layers.must_flush()) layers.flush();  // second part: exit2_logits()
//
// The bits of either exit are those of a run that never leaves early.

#include <functional>
#include <optional>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/collab/session_states.hpp>
#include <verge/stages/serve/collab/state_outbox.hpp>

namespace verge::serve {

/// One thread: that of the model's decoder.
class EdgeLayers {
 public:
  /// Layers [0, exit2) of a model, which are loaded. At most `max_pending` tokens wait for the
  /// second part. Fails as prepare_layers does, InvalidArgument for more pending tokens than the
  /// model was loaded to run at once.
  static Result<EdgeLayers> create(model::LanguageModel& model, int64_t exit1, int64_t exit2,
                                   int64_t max_pending);

  using StatesVisitor = std::function<void(StateRun)>;
  /// Runs a prompt, or what a user adds, through both parts in chunks; the states of each are
  /// handed over before its second part runs. Fails as runtime::run_layers does; then nothing of it
  /// is kept.
  Status append(std::span<const int32_t> tokens, const StatesVisitor& visit);
  /// Runs one token through the first part.
  Status step(int32_t token);
  /// Runs all tokens that wait through the second part. The newest must be among them.
  Status flush();
  /// Forgets all tokens after the first `length`; logits and states are those of tokens to come.
  void rewind(int64_t length);

  /// After the newest step() or append(): [d_model], [vocab]; after flush() or append(): [vocab].
  std::span<const float> states() const { return states_; }
  std::span<const float> exit1_logits() const { return exit1_logits_; }
  std::span<const float> exit2_logits() const { return exit2_logits_; }

  /// Of states: d_model.
  int64_t width() const { return decoder_->d_model; }
  int64_t length() const { return sequence_.length(); }
  /// Tokens that wait for the second part.
  int64_t pending() const { return length() - flushed_; }
  bool must_flush() const { return pending() >= max_pending_; }
  int32_t vocab() const { return static_cast<int32_t>(decoder_->vocab); }
  /// Most tokens of a sequence.
  int64_t context() const;
  /// Layers times tokens that were run here, by the engine's own count.
  int64_t layer_tokens() const { return layer_tokens_; }

  /// The states of a range again, bit for bit, from its tokens; a prompt's may come with some
  /// around them.
  Result<std::vector<StateRun>> states_again(PositionRange range);

 private:
  // Tokens that were run as one prompt; prompt_end 0: one by one.
  struct Span {
    int64_t from = 0;
    int64_t to = 0;
    int64_t prompt_end = 0;
  };
  EdgeLayers(runtime::Decoder& decoder, runtime::LayerPlans& low, runtime::LayerPlans& high,
             int64_t max_pending)
      : decoder_(&decoder),
        low_(&low),
        high_(&high),
        max_pending_(max_pending),
        sequence_(decoder) {}

  Status run_part(runtime::LayerPlans& layers, const runtime::StepItem& item);
  Status append_chunk(std::span<const int32_t> chunk, int64_t prompt_end,
                      const StatesVisitor& visit);
  void remember(int64_t from, int64_t to, int64_t prompt_end);
  PositionRange with_chunk(PositionRange range, const Span& prompt) const;
  Result<StateRun> run_again(PositionRange range, int64_t prompt_end);

  runtime::Decoder* decoder_;
  runtime::LayerPlans* low_;
  runtime::LayerPlans* high_;
  int64_t max_pending_;
  runtime::Sequence sequence_;
  int64_t flushed_ = 0;  // positions that both parts have run
  int64_t layer_tokens_ = 0;
  std::vector<float> pending_states_;
  std::vector<float> states_;
  std::vector<float> exit1_logits_;
  std::vector<float> exit2_logits_;
  std::vector<Span> spans_;
};

}  // namespace verge::serve
