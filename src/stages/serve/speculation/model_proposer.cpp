#include <algorithm>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/speculation/model_proposer.hpp>
#include <verge/stages/serve/speculation/tree_growth.hpp>

namespace verge::serve {
namespace {

bool lacks_room(const Status& status) {
  return !status &&
         (status.error().code == Code::OutOfMemory || status.error().code == Code::InvalidArgument);
}

// Runs tokens after a sequence's; the logits after the last one are row 0.
Status run(runtime::Sequence& sequence, std::span<const int32_t> tokens,
           const std::atomic<bool>* cancel) {
  runtime::Decoder& decoder = sequence.decoder();
  VERGE_RETURN_IF_ERROR(sequence.reserve(sequence.length() + static_cast<int64_t>(tokens.size())));
  while (!tokens.empty()) {
    const auto rest = static_cast<int64_t>(tokens.size());
    const int64_t count = runtime::chunk_to_run(decoder, rest, decoder.max_tokens);
    const runtime::StepItem item{&sequence, tokens.first(static_cast<size_t>(count))};
    VERGE_RETURN_IF_ERROR(runtime::run_step(decoder, std::span(&item, 1), cancel));
    tokens = tokens.subspan(static_cast<size_t>(count));
  }
  return {};
}

// One run of the draft model in the making: what it runs for whom.
struct Round {
  std::vector<DraftJob*> jobs;  // in the order of the rows of logits
  std::vector<runtime::StepItem> items;
};

}  // namespace

Status check_same_vocabulary(const NamedVocabulary& target, const NamedVocabulary& draft) {
  const text::Tokenizer& a = target.tokenizer;
  const text::Tokenizer& b = draft.tokenizer;
  const int32_t common = std::min(a.size(), b.size());
  for (int32_t token = 0; token < common; ++token) {
    if (a.piece(token) == b.piece(token)) continue;
    return make_error(Code::Conflict,
                      "{}: token {} is \"{}\", in {} it is \"{}\"; a draft model needs the same "
                      "vocabulary",
                      draft.path, token, b.piece(token), target.path, a.piece(token));
  }
  if (a.size() == b.size()) return {};
  return make_error(Code::Conflict,
                    "{}: {} tokens, {} has {}; a draft model needs the same vocabulary", draft.path,
                    b.size(), target.path, a.size());
}

// Of its own sequence, what the tokens begin with, the last one excepted, which is run in any case
// for its logits; how many those are.
size_t ModelProposer::keep_common(std::span<const int32_t> tokens) {
  const auto same = std::ranges::mismatch(own_.tokens(), tokens).in1 - own_.tokens().begin();
  const auto kept = std::min(static_cast<int64_t>(same), static_cast<int64_t>(tokens.size()) - 1);
  own_.truncate(kept);
  return static_cast<size_t>(kept);
}

Status ModelProposer::prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) {
  if (sequence.length() == 0) return {};
  const std::span<const int32_t> tokens = sequence.tokens();
  const Status status = run(own_, tokens.subspan(keep_common(tokens)), cancel);
  return lacks_room(status) ? Status() : status;
}

Result<Draft> ModelProposer::propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                     DraftSampler& sampler, const std::atomic<bool>* cancel) {
  DraftJob job{this, &sequence, newest, most, &sampler};
  VERGE_RETURN_IF_ERROR(propose_all({&job, 1}, cancel));
  return std::move(job.draft);
}

Result<DraftTree> ModelProposer::propose_tree(runtime::Sequence& sequence, int32_t newest,
                                              const TreeShape& shape, DraftSampler& sampler,
                                              const std::atomic<bool>* cancel) {
  std::vector<int32_t> text = sequence.tokens();
  text.push_back(newest);
  const Status status = run(own_, std::span(text).subspan(keep_common(text)), cancel);
  if (!status && lacks_room(status)) return DraftTree();
  VERGE_RETURN_IF_ERROR(status);
  return grow_tree(own_, shape, sampler, [&](std::span<const runtime::StepItem> items) {
    return runtime::run_step(decoder_, items, cancel);
  });
}

Status ModelProposer::propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel) {
  const auto own = [](const DraftJob* job) -> runtime::Sequence& {
    return static_cast<ModelProposer*>(job->proposer)->own_;
  };
  const auto has_room = [&](const DraftJob* job, int64_t more) {
    return own(job).reserve(own(job).length() + more).ok();
  };
  Round round;
  std::vector<std::vector<int32_t>> texts;
  texts.reserve(jobs.size());
  int64_t left = decoder_.max_tokens;
  for (DraftJob& job : jobs) {
    if (job.is_full() || left == 0) continue;
    std::vector<int32_t>& text = texts.emplace_back(job.sequence->tokens());
    text.push_back(job.newest);
    const size_t kept = static_cast<ModelProposer*>(job.proposer)->keep_common(text);
    const auto rest = static_cast<int64_t>(text.size() - kept);
    const int64_t count = runtime::chunk_to_run(decoder_, rest, left);
    if (!has_room(&job, count)) continue;
    left -= count;
    round.items.push_back({&own(&job), std::span(text).subspan(kept, static_cast<size_t>(count)),
                           count == rest ? 1 : 0});
    if (count == rest) round.jobs.push_back(&job);
  }
  while (!round.items.empty()) {
    const Status status = runtime::run_step(decoder_, round.items, cancel);
    if (!status) return lacks_room(status) ? Status() : status;
    extend_drafts(round.jobs, decoder_);
    std::erase_if(round.jobs, [&](const DraftJob* job) { return !has_room(job, 1); });
    round.items.clear();
    for (const DraftJob* job : round.jobs) round.items.push_back({&own(job), {&job->last(), 1}});
  }
  return {};
}

}  // namespace verge::serve
