#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/speculation/exit_proposer.hpp>

namespace verge::serve {

Result<std::unique_ptr<ExitProposer>> ExitProposer::create(model::LanguageModel& model,
                                                           int64_t layers) {
  VERGE_TRY(runtime::Plan * plan, model.prepare_exit(layers));
  return std::unique_ptr<ExitProposer>(new ExitProposer(*plan));
}

Status ExitProposer::prepare(runtime::Sequence&, const std::atomic<bool>*) {
  return {};
}

Result<Draft> ExitProposer::propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                    DraftSampler& sampler, const std::atomic<bool>* cancel) {
  Draft draft;
  runtime::Decoder& decoder = sequence.decoder();
  const int64_t before = sequence.length();
  for (int32_t token = newest; static_cast<int64_t>(draft.tokens.size()) < most;
       token = draft.tokens.back()) {
    const runtime::StepItem item{&sequence, std::span(&token, 1)};
    const Status status = runtime::run_exit(plan_, decoder, std::span(&item, 1), cancel);
    if (!status) {
      sequence.truncate(before);
      if (status.error().code == Code::Cancelled) return status.error();
      return draft;
    }
    if (!sampler.extend(draft, runtime::step_logits(decoder, 0))) break;
  }
  sequence.truncate(before);
  return draft;
}

}  // namespace verge::serve
