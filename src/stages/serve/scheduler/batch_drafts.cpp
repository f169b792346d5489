#include <algorithm>

#include <verge/stages/serve/scheduler/batch_drafts.hpp>

namespace verge::serve {
namespace {

// Its answer has begun, and its next step draws the next token.
bool draws_next(const Task& task, const Candidate& candidate) {
  return candidate.phase == Phase::Running && !task.answer.tokens().empty() &&
         task.length() + 1 == static_cast<int64_t>(task.feed.size());
}

}  // namespace

void BatchItem::take_draft(Draft made) {
  draft = std::move(made);
  input = {task->feed.back()};
  input.insert(input.end(), draft.tokens.begin(), draft.tokens.end());
}

void BatchDrafts::decide(std::span<Candidate> candidates, const std::map<RequestId, Task*>& tasks) {
  if (!make_) return;
  std::vector<Candidate*> drawing;
  std::vector<const DraftHistory*> histories;
  std::vector<int64_t> most;
  for (Candidate& candidate : candidates) {
    Task& task = *tasks.at(candidate.id);
    if (!draws_next(task, candidate)) continue;
    if (task.drafts.reached.empty()) task.drafts = start_history(policy_, options_.policy);
    drawing.push_back(&candidate);
    histories.push_back(&task.drafts);
    const int64_t room = task.face->limit() - task.length();
    most.push_back(
        std::clamp<int64_t>(std::min(most_draft(decoder_), useful_drafts(task.answer, room)), 0,
                            options_.policy.max_draft));
  }
  const int64_t rows = decoder_.max_outputs - static_cast<int64_t>(drawing.size());
  const auto wanted =
      options_.always ? most : decide_drafts(policy_, options_.policy, histories, most, rows);
  for (size_t i = 0; i < drawing.size(); ++i) drawing[i]->drafts = wanted[i];
}

void BatchDrafts::make(std::span<BatchItem> items, const std::atomic<bool>* cancel) {
  draft_s_ = 0;
  std::vector<BatchItem*> drafting;
  for (BatchItem& item : items) {
    if (item.drafts > 0) drafting.push_back(&item);
  }
  if (drafting.empty()) return;
  const double begin_s = clock_.seconds();
  bool is_behind = false;
  Rng unused(0);  // shared draws take the answers'
  std::vector<DraftSampler> samplers;
  std::vector<DraftJob> jobs;
  samplers.reserve(drafting.size());
  for (BatchItem* item : drafting) {
    Task& task = *item->task;
    // A draft model runs the tokens since its last draft together with the newest.
    is_behind |= task.proposer == nullptr || task.drafts.plain_steps > options_.policy.max_draft;
    if (task.proposer == nullptr) task.proposer = make_();
    samplers.emplace_back(task.answer, DraftDraws::Shared, unused);
    jobs.push_back(
        {task.proposer.get(), &*task.sequence, task.feed.back(), item->drafts, &samplers.back()});
  }
  try {
    (void)jobs[0].proposer->propose_all(jobs, cancel);
  } catch (const std::exception&) {
    return;  // the answer's own draw says why
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (!jobs[i].draft.tokens.empty()) drafting[i]->take_draft(std::move(jobs[i].draft));
  }
  draft_s_ = is_behind ? -1 : clock_.seconds() - begin_s;
}

void BatchDrafts::observe(std::span<const BatchItem> items, double step_s) {
  if (!make_) return;
  std::vector<SequenceDraft> drafts;
  bool has_prompts = false;
  for (const BatchItem& item : items) {
    Task& task = *item.task;
    if (task.drafts.reached.empty() || item.tokens > 1) {
      has_prompts = true;
      continue;
    }
    const auto drafted = static_cast<int64_t>(item.draft.tokens.size());
    draft_tokens_ += drafted;
    accepted_tokens_ += item.kept;
    drafts.push_back({&task.drafts, drafted, item.kept});
  }
  observe_drafts(policy_, options_.policy, drafts);
  if (!has_prompts && !drafts.empty()) {
    observe_times(policy_, options_.policy, drafts, draft_s_, step_s);
  }
}

}  // namespace verge::serve
