#pragma once
// The policy of a step: what the scheduler knows, in; what to run, admit and put aside, out. A pure
// function, the same for the live engine and for a simulator.
//
// 1. Every running answer gets its next token. Where pages are short, the running request of the
//    lowest class, the youngest of it, is put aside until they suffice.
// 2. Requests are admitted while there are sequences and pages: those put aside first, then by
//    class, then of the least served tenant, then by arrival. Admission keeps a reserve of pages
//    for each running sequence; one that is alone needs none.
// 3. Prompts go in chunks: the whole budget while none is answered, a quarter of it beside answers,
//    whose next tokens wait for the step. Of that a quarter at least goes to the first in that
//    order, which so never starves; the rest to the shortest first, which so never wait for the
//    long. A step always has room for a chunk, so answers never stop prompts.
//    Where each token of a prompt takes a row of logits, a chunk is as long as rows are left, of
//    which everybody who runs keeps one; it is below min_chunk only where they are too few.
// 4. Drafts (speculation) take what then is left of tokens, rows and pages, one of each answer in
//    turn. Nobody waits, or is put aside, for them.
//
// Class: priority plus one for each ageing_s that no request of the priority has been admitted
// while one waited.

#include <cstdint>
#include <map>
#include <vector>

#include <verge/stages/serve/scheduler/request.hpp>

namespace verge::serve {

/// Of the model: see runtime::Decoder. Of the operator: see SchedulerOptions.
struct StepLimits {
  int64_t step_tokens = 512;
  int64_t max_tokens = 512;
  int64_t max_sequences = 1;
  int64_t max_outputs = 1;
  int64_t min_chunk = 1;
  int64_t page_tokens = 32;
  int64_t reserve_pages = 2;
  double ageing_s = 5;
};

enum class Phase { Waiting, Preempted, Running };

/// A request as the policy sees it.
struct Candidate {
  RequestId id = 0;
  size_t tenant = 0;  // index into PolicyState::tenants
  int priority = 0;
  double since_s = 0;  // when it was submitted
  Phase phase = Phase::Waiting;
  int64_t length = 0;      // tokens in its pages, or that will be when it is admitted
  int64_t prompt = 0;      // tokens to be run in chunks, of those from 0 on
  int64_t exclusive = 0;   // running: pages that nobody else runs on
  int64_t shared = 0;      // else: pages of its prefix that others run on already
  uint64_t next_page = 0;  // hash of the tokens up to the end of the page it would fill first
  bool waits_for_prefix = false;  // another one fills that page just now
  int64_t drafts = 0;             // tokens guessed ahead that its next one should bring along
  bool row_each = false;          // each token of its prompt takes a row of logits

  int64_t rest() const { return prompt > length ? prompt - length : 0; }
};

struct TenantShare {
  double served = 0;  // FairShare::served
};

struct PolicyState {
  std::vector<Candidate> candidates = {};  // in order of arrival
  std::vector<TenantShare> tenants = {};
  std::map<int, double> admitted_s = {};  // by priority: the last admission
  int64_t free_pages = 0;                 // free, or kept for their prefix alone
  double now_s = 0;
  bool admits = true;  // false: the model is to be put out, and only finishes what has begun
  StepLimits limits = {};
};

struct StepPart {
  RequestId id = 0;
  int64_t tokens = 0;
  int64_t drafts = 0;  // tokens beside those, guessed ahead
  bool operator==(const StepPart&) const = default;
};

struct StepPlan {
  std::vector<RequestId> preempt = {};  // before all else
  std::vector<RequestId> admit = {};    // in this order
  std::vector<StepPart> run = {};
};

/// Candidates' order is that of arrival. A candidate alone must fit in the pool and in a step.
StepPlan plan_step(const PolicyState& state);

/// Sequences that may run at once: each has its token in every step, beside a chunk of a prompt.
int64_t most_running(const StepLimits& limits);

}  // namespace verge::serve
