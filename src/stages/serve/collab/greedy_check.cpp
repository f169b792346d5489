#include <algorithm>

#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/sampler_stages.hpp>
#include <verge/stages/serve/collab/greedy_check.hpp>

namespace verge::serve {

Result<int64_t> greedy_matches(model::LanguageModel& model, std::span<const int32_t> prompt,
                               std::span<const int32_t> answer) {
  if (prompt.empty() || answer.empty()) return 0;
  VERGE_TRY(runtime::LayerPlans * layers, model.prepare_layers({}));
  runtime::Decoder& decoder = model.decoder();
  runtime::Sequence sequence(decoder);
  int64_t matches = 0;
  size_t next = 0;  // token of the answer that the newest row is held against
  const auto run = [&](std::span<const int32_t> tokens, int64_t outputs) -> Status {
    const runtime::StepItem item{.sequence = &sequence,
                                 .tokens = tokens,
                                 .outputs = outputs,
                                 .first = sequence.length(),
                                 .one_by_one = sequence.length() >= std::ssize(prompt)};
    VERGE_RETURN_IF_ERROR(runtime::run_layers(*layers, decoder, {&item, 1}));
    for (int64_t row = 0; row < outputs; ++row) {
      matches += text::argmax(runtime::step_logits(decoder, row)) == answer[next++];
    }
    return {};
  };
  while (!prompt.subspan(static_cast<size_t>(sequence.length())).empty()) {
    const auto rest = prompt.subspan(static_cast<size_t>(sequence.length()));
    const auto chunk = runtime::chunk_to_run(decoder, std::ssize(rest), layers->max_tokens);
    VERGE_RETURN_IF_ERROR(
        run(rest.first(static_cast<size_t>(chunk)), chunk == std::ssize(rest) ? 1 : 0));
  }
  const auto most = std::min({decoder.max_sequences, decoder.max_outputs, layers->max_tokens});
  while (next < answer.size()) {
    const size_t count = std::min(answer.size() - next, static_cast<size_t>(most));
    VERGE_RETURN_IF_ERROR(run(answer.subspan(next - 1, count), static_cast<int64_t>(count)));
  }
  return matches;
}

}  // namespace verge::serve
