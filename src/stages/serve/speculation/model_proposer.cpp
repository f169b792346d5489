#include <algorithm>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/speculation/model_proposer.hpp>

namespace verge::serve {
namespace {

bool lacks_room(const Status& status) {
  return !status &&
         (status.error().code == Code::OutOfMemory || status.error().code == Code::InvalidArgument);
}

// Runs tokens after a sequence's, with logits after the last.
Status run(runtime::Sequence& sequence, std::span<const int32_t> tokens,
           const std::atomic<bool>* cancel) {
  runtime::Decoder& decoder = sequence.decoder();
  VERGE_RETURN_IF_ERROR(sequence.reserve(sequence.length() + static_cast<int64_t>(tokens.size())));
  while (!tokens.empty()) {
    const auto rest = static_cast<int64_t>(tokens.size());
    const int64_t count = runtime::chunk_to_run(decoder, rest, decoder.max_tokens);
    const runtime::StepItem item{&sequence, tokens.first(static_cast<size_t>(count)),
                                 count == rest ? 1 : 0};
    VERGE_RETURN_IF_ERROR(runtime::run_step(decoder, std::span(&item, 1), cancel));
    tokens = tokens.subspan(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Status check_same_vocabulary(const model::LanguageModel& target,
                             const model::LanguageModel& draft) {
  const text::Tokenizer& a = target.tokenizer();
  const text::Tokenizer& b = draft.tokenizer();
  const int32_t common = std::min(a.size(), b.size());
  for (int32_t token = 0; token < common; ++token) {
    if (a.piece(token) == b.piece(token)) continue;
    return make_error(Code::Conflict,
                      "{}: token {} is \"{}\", in {} it is \"{}\"; a draft model needs the same "
                      "vocabulary",
                      draft.source().path, token, b.piece(token), target.source().path,
                      a.piece(token));
  }
  if (a.size() == b.size()) return {};
  return make_error(Code::Conflict,
                    "{}: {} tokens, {} has {}; a draft model needs the same vocabulary",
                    draft.source().path, b.size(), target.source().path, a.size());
}

Result<std::unique_ptr<ModelProposer>> ModelProposer::create(const model::LanguageModel& target,
                                                             model::LanguageModel& draft) {
  VERGE_RETURN_IF_ERROR(check_same_vocabulary(target, draft));
  return std::unique_ptr<ModelProposer>(new ModelProposer(draft.decoder()));
}

// Runs those of the tokens that its own sequence does not begin with, and the last one in any case,
// for its logits.
Status ModelProposer::catch_up(std::span<const int32_t> tokens, const std::atomic<bool>* cancel) {
  const auto same = std::ranges::mismatch(own_.tokens(), tokens).in1 - own_.tokens().begin();
  const auto kept = std::min(static_cast<int64_t>(same), static_cast<int64_t>(tokens.size()) - 1);
  own_.truncate(kept);
  return run(own_, tokens.subspan(static_cast<size_t>(kept)), cancel);
}

Status ModelProposer::prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) {
  if (sequence.length() == 0) return {};
  const Status status = catch_up(sequence.tokens(), cancel);
  return lacks_room(status) ? Status() : status;
}

Result<Draft> ModelProposer::propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                     DraftSampler& sampler, const std::atomic<bool>* cancel) {
  Draft draft;
  std::vector<int32_t> tokens = sequence.tokens();
  tokens.push_back(newest);
  Status status = catch_up(tokens, cancel);
  while (status && sampler.extend(draft, runtime::step_logits(decoder_, 0))) {
    if (static_cast<int64_t>(draft.tokens.size()) == most) break;
    status = run(own_, std::span(&draft.tokens.back(), 1), cancel);
  }
  if (!status && !lacks_room(status)) return status.error();
  return draft;
}

}  // namespace verge::serve
