#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>
#include <verge/stages/serve/scheduler/policy.hpp>

namespace verge::serve {
namespace {

Candidate waiting(RequestId id, int64_t prompt, size_t tenant = 0, int priority = 0) {
  return {.id = id, .tenant = tenant, .priority = priority, .prompt = prompt};
}

Candidate prefilling(RequestId id, int64_t length, int64_t prompt) {
  return {.id = id, .phase = Phase::Running, .length = length, .prompt = prompt};
}

Candidate decoding(RequestId id, int64_t length, int64_t exclusive = 0, int priority = 0) {
  return {.id = id,
          .priority = priority,
          .phase = Phase::Running,
          .length = length,
          .prompt = 1,
          .exclusive = exclusive};
}

Candidate drafting(RequestId id, int64_t length, int64_t drafts) {
  Candidate candidate = decoding(id, length);
  candidate.drafts = drafts;
  return candidate;
}

Candidate scored(RequestId id, int64_t length, int64_t prompt) {
  Candidate candidate = prefilling(id, length, prompt);
  candidate.row_each = true;
  return candidate;
}

Candidate put_aside(RequestId id, int64_t length) {
  return {.id = id, .phase = Phase::Preempted, .length = length, .prompt = 1};
}

PolicyState state_of(std::vector<Candidate> candidates, int64_t free_pages = 1000) {
  PolicyState state;
  state.candidates = std::move(candidates);
  state.tenants.resize(8);
  state.free_pages = free_pages;
  state.limits = {.step_tokens = 64,
                  .max_tokens = 64,
                  .max_sequences = 8,
                  .max_outputs = 8,
                  .min_chunk = 4,
                  .page_tokens = 16,
                  .reserve_pages = 1,
                  .ageing_s = 5};
  return state;
}

PolicyState steps_of(int64_t tokens, PolicyState state) {
  state.limits.step_tokens = tokens;
  return state;
}

PolicyState rows_of(int64_t rows, PolicyState state) {
  state.limits.max_outputs = rows;
  return state;
}

using Ids = std::vector<RequestId>;
using Parts = std::vector<StepPart>;

struct PlanCase {
  std::string name;
  PolicyState state;
  StepPlan plan;
};

std::vector<PlanCase> cases() {
  std::vector<PlanCase> all;
  const auto add = [&](std::string name, PolicyState state, Ids preempt, Ids admit, Parts run) {
    all.push_back({std::move(name), std::move(state), {preempt, admit, run}});
  };
  add("nothing", state_of({}), {}, {}, {});
  add("a prompt that fits goes whole", state_of({waiting(1, 20)}), {}, {1}, {{1, 20}});
  add("answers first, and beside them a quarter of a step to the prompt",
      state_of({decoding(1, 40), decoding(2, 41), waiting(3, 500)}), {}, {3},
      {{1, 1}, {2, 1}, {3, 16}});
  add("a quarter to the oldest prompt, then the shortest",
      state_of({prefilling(1, 100, 600), waiting(2, 30)}), {}, {2}, {{2, 30}, {1, 34}});
  add("the oldest keeps its quarter under many short ones",
      state_of({prefilling(1, 100, 600), waiting(2, 48), waiting(3, 48)}), {}, {2, 3},
      {{2, 48}, {1, 16}});
  add("the end of a prompt is not left alone", state_of({waiting(1, 66)}), {}, {1}, {{1, 62}});
  add("what was put aside comes back before what is new",
      state_of({waiting(1, 10), put_aside(2, 40)}), {}, {2, 1}, {{2, 1}, {1, 10}});
  add("pages for answers: the youngest is put aside",
      state_of({decoding(1, 32), decoding(2, 32, 2), decoding(3, 32, 2)}, 2), {3}, {},
      {{1, 1}, {2, 1}});
  add("pages for answers: the least priority before the youngest",
      state_of({decoding(1, 32, 2, -1), decoding(2, 32, 2), decoding(3, 32, 2)}, 2), {1}, {},
      {{2, 1}, {3, 1}});
  add("no room, no admission", state_of({decoding(1, 33), waiting(2, 40)}, 4), {}, {}, {{1, 1}});
  add("room with the reserve", state_of({decoding(1, 33), waiting(2, 40)}, 5), {}, {2},
      {{1, 1}, {2, 16}});
  add("alone it needs no reserve", state_of({waiting(2, 40)}, 3), {}, {2}, {{2, 40}});
  add("what others run on costs nothing",
      state_of({decoding(1, 33), {.id = 2, .length = 32, .prompt = 40, .shared = 2}}, 3), {}, {2},
      {{1, 1}, {2, 8}});
  add("the first that does not fit is not overtaken",
      state_of({decoding(1, 33), waiting(2, 400), waiting(3, 10)}, 10), {}, {}, {{1, 1}});
  add("who waits for a prefix lets others by",
      state_of({{.id = 1, .prompt = 40, .next_page = 7, .waits_for_prefix = true}, waiting(2, 10)}),
      {}, {2}, {{2, 10}});
  add("of two with the same beginning one goes first",
      state_of({{.id = 1, .prompt = 40, .next_page = 7},
                {.id = 2, .prompt = 40, .next_page = 7},
                {.id = 3, .prompt = 20, .next_page = 8}}),
      {}, {1, 3}, {{3, 20}, {1, 40}});
  add("a prompt gets no more than the pages there are",
      state_of({decoding(1, 32), prefilling(2, 16, 60)}, 2), {}, {}, {{1, 1}, {2, 16}});
  add("two prompts that hold all pages: one makes room",
      state_of({prefilling(1, 64, 100),
                {.id = 2, .phase = Phase::Running, .length = 64, .prompt = 100, .exclusive = 4}},
               0),
      {2}, {}, {});
  add("drafts take the rows that are left, one of each in turn",
      state_of({drafting(1, 40, 5), drafting(2, 33, 2), decoding(3, 40), decoding(4, 40)}), {}, {},
      {{1, 1, 2}, {2, 1, 2}, {3, 1}, {4, 1}});
  add("drafts take the tokens that prompts leave",
      steps_of(12, state_of({drafting(1, 40, 4), prefilling(2, 40, 100)})), {}, {},
      {{1, 1, 3}, {2, 8}});
  add("a prompt that is scored takes the rows that are left",
      state_of({decoding(1, 40), scored(2, 40, 100)}), {}, {}, {{1, 1}, {2, 7}});
  add("and leaves none for drafts", state_of({drafting(1, 40, 4), scored(2, 40, 100)}), {}, {},
      {{1, 1}, {2, 7}});
  add("prompts that are scored go one after another where rows are few",
      rows_of(20, state_of({scored(1, 0, 100), scored(2, 0, 6)})), {}, {}, {{1, 19}});
  add("and together where they suffice",
      rows_of(40, state_of({scored(1, 0, 100), scored(2, 0, 6)})), {}, {}, {{2, 6}, {1, 34}});
  add("pieces below the least chunk where rows are too few",
      state_of({decoding(1, 40), decoding(2, 40), decoding(3, 40), scored(4, 90, 100)}), {}, {},
      {{1, 1}, {2, 1}, {3, 1}, {4, 5}});
  add("a full step has no drafts",
      steps_of(9, state_of({drafting(1, 40, 4), prefilling(2, 40, 600)})), {}, {},
      {{1, 1}, {2, 8}});
  add("a row for the end of a prompt before those of drafts",
      state_of({drafting(1, 40, 9), waiting(2, 10)}), {}, {2}, {{1, 1, 6}, {2, 10}});
  add("pages are short: drafts go, nobody is put aside",
      state_of({drafting(1, 30, 4), drafting(2, 31, 4)}, 0), {}, {}, {{1, 1, 1}, {2, 1}});
  add("a page for a draft is one that nobody needs",
      state_of({drafting(1, 30, 4), decoding(2, 32)}, 1), {}, {}, {{1, 1, 1}, {2, 1}});
  return all;
}

TEST(Policy, PlansAStep) {
  for (const auto& [name, state, expected] : cases()) {
    const StepPlan plan = plan_step(state);
    EXPECT_EQ(plan.preempt, expected.preempt) << name;
    EXPECT_EQ(plan.admit, expected.admit) << name;
    EXPECT_EQ(plan.run, expected.run) << name;
  }
}

TEST(Policy, AModelThatLeavesFinishesWhatHasBegunAlone) {
  PolicyState state = state_of({decoding(1, 40), waiting(2, 10), put_aside(3, 40)});
  state.admits = false;
  const StepPlan plan = plan_step(state);
  EXPECT_EQ(plan.admit, Ids{3});
  EXPECT_EQ(plan.run, (Parts{{1, 1}, {3, 1}}));
  state.candidates = {waiting(2, 10)};
  EXPECT_TRUE(plan_step(state).admit.empty());
}

TEST(Policy, TheLeastServedTenantGoesFirstAndPaysForItsPrompt) {
  PolicyState state = state_of({waiting(1, 12, 0), waiting(2, 12, 0), waiting(3, 12, 1)});
  state.tenants = {{.served = 10}, {.served = 5}};
  EXPECT_EQ(plan_step(state).admit, (Ids{3, 1, 2}));  // 3 lifts its tenant to 17
}

TEST(Policy, PrioritiesAgeAsAClass) {
  PolicyState state = state_of({waiting(1, 12, 0, 0), waiting(2, 12, 0, 2)});
  EXPECT_EQ(plan_step(state).admit, (Ids{2, 1}));
  state.now_s = 15;
  state.admitted_s[2] = 14;  // those of priority 2 have just had a turn, 1 has waited for 15 s
  EXPECT_EQ(plan_step(state).admit, (Ids{1, 2}));
}

TEST(Policy, SequencesLeaveRoomForAChunk) {
  StepLimits limits{.max_tokens = 20, .max_sequences = 64, .max_outputs = 64, .min_chunk = 8};
  EXPECT_EQ(most_running(limits), 4);
  limits.max_outputs = 3;
  EXPECT_EQ(most_running(limits), 3);
}

// A model in name only: runs what the policy says, on pages that are mere numbers.
class Simulation {
 public:
  struct Job {
    Candidate candidate;
    int64_t answer;
    double tokens_served = 0;
  };

  Simulation(int64_t pages, int64_t sequences) : pages_(pages) {
    state_ = state_of({});
    state_.limits.max_sequences = sequences;
    state_.limits.max_outputs = sequences + 6;
    state_.tenants.clear();
  }

  void submit(size_t tenant, int64_t prompt, int64_t answer, int priority = 0) {
    Candidate candidate = waiting(++last_, prompt, tenant, priority);
    candidate.since_s = now_;
    jobs_.push_back({candidate, answer});
    if (scores_) jobs_.back().candidate.row_each = rng_.below(2) == 0;
    fair_.arrive(std::to_string(tenant));
    served_.resize(std::max(served_.size(), tenant + 1));
  }

  void step() {
    now_ += 1;
    state_.now_s = now_;
    state_.candidates.clear();
    state_.free_pages = pages_;
    for (const Job& job : jobs_) {
      state_.candidates.push_back(job.candidate);
      if (drafts_ && job.candidate.rest() == 0) state_.candidates.back().drafts = rng_.below(5);
      if (job.candidate.phase != Phase::Running) continue;
      state_.candidates.back().exclusive = pages(job.candidate.length);
      state_.free_pages -= pages(job.candidate.length);
    }
    state_.tenants.clear();
    for (size_t i = 0; i < served_.size(); ++i) {
      state_.tenants.push_back({.served = fair_.served(std::to_string(i))});
    }
    const StepPlan plan = plan_step(state_);
    for (const RequestId id : plan.preempt) {
      job(id).candidate.phase = Phase::Preempted;
      ++preemptions_;
    }
    for (const RequestId id : plan.admit) admit(job(id));
    check(plan);
    for (const StepPart& part : plan.run) {
      const auto kept = rng_.below(static_cast<uint32_t>(part.drafts) + 1);
      run(job(part.id), part.tokens + kept);
    }
    std::erase_if(jobs_, [](const Job& job) {
      return job.candidate.length >= job.candidate.prompt + job.answer - 1;
    });
  }

  std::vector<double> served() const { return served_; }
  size_t jobs() const { return jobs_.size(); }
  size_t jobs_of(int priority) const {
    return static_cast<size_t>(std::ranges::count_if(
        jobs_, [&](const Job& job) { return job.candidate.priority == priority; }));
  }
  int preemptions() const { return preemptions_; }
  void draft() { drafts_ = true; }
  void score() { scores_ = true; }

 private:
  int64_t pages(int64_t tokens) const { return (tokens + 15) / 16; }

  Job& job(RequestId id) {
    return *std::ranges::find_if(jobs_, [&](const Job& job) { return job.candidate.id == id; });
  }

  void admit(Job& job) {
    if (job.candidate.phase == Phase::Waiting) {
      const std::string tenant = std::to_string(job.candidate.tenant);
      fair_.leave(tenant);
      fair_.charge(tenant, static_cast<double>(job.candidate.prompt));
      state_.admitted_s[job.candidate.priority] = now_;
    }
    job.candidate.phase = Phase::Running;
  }

  void run(Job& job, int64_t tokens) {
    const bool decodes = job.candidate.rest() == 0;
    const double cost = static_cast<double>(tokens) * (decodes ? 2 : 1);
    if (decodes) fair_.charge(std::to_string(job.candidate.tenant), cost);
    served_[job.candidate.tenant] += cost;
    job.candidate.length += tokens;
  }

  // What every step must be: within the limits, each running answer served, prompts never stuck.
  void check(const StepPlan& plan) {
    int64_t tokens = 0, rows = 0, prompts = 0, prompts_run = 0, answers = 0, answers_run = 0,
            used = 0;
    for (const Job& job : jobs_) {
      if (job.candidate.phase != Phase::Running) continue;
      (job.candidate.rest() == 0 ? answers : prompts) += 1;
      used += pages(job.candidate.length);
    }
    for (const StepPart& part : plan.run) {
      const Candidate& candidate = job(part.id).candidate;
      tokens += part.tokens + part.drafts;
      EXPECT_TRUE(part.drafts == 0 || (candidate.rest() == 0 && part.tokens == 1));
      const bool is_scored = candidate.row_each && candidate.rest() > 0;
      rows += is_scored ? part.tokens : candidate.rest() <= part.tokens ? 1 + part.drafts : 0;
      (candidate.rest() == 0 ? answers_run : prompts_run) += 1;
      used += pages(candidate.length + part.tokens + part.drafts) - pages(candidate.length);
      const int64_t left = candidate.rest() - part.tokens;
      EXPECT_TRUE(is_scored || candidate.rest() == 0 || left == 0 || left >= 4) << left;
    }
    EXPECT_LE(tokens, state_.limits.max_tokens);
    EXPECT_LE(rows, state_.limits.max_outputs);
    EXPECT_LE(used, pages_);
    EXPECT_EQ(answers_run, answers);
    EXPECT_TRUE(prompts == 0 || prompts_run > 0 || used > pages_ - 4) << "prompts are stopped";
    EXPECT_TRUE(jobs_.empty() || tokens > 0 || !plan.preempt.empty()) << "nothing goes on";
  }

  PolicyState state_;
  FairShare fair_;
  std::deque<Job> jobs_;
  std::vector<double> served_;
  int64_t pages_;
  RequestId last_ = 0;
  double now_ = 0;
  int preemptions_ = 0;
  bool drafts_ = false;
  bool scores_ = false;
  Rng rng_{99};
};

// Sheng et al. 2024, theorem 4.4: between two tenants that always have work, service differs by at
// most twice the larger of what the longest prompt costs and what a full batch of answers does.
TEST(PolicySimulation, AFloodDoesNotPushAsideAnotherTenant) {
  constexpr int64_t kPrompt = 40, kAnswer = 24, kSequences = 8;
  Simulation simulation(400, kSequences);
  for (int i = 0; i < 500; ++i) simulation.submit(0, kPrompt, kAnswer);
  double worst = 0;
  for (int step = 0; step < 600; ++step) {
    if (step % 4 == 0) {
      for (int i = 0; i < 2; ++i) simulation.submit(1, kPrompt, kAnswer);
    }
    simulation.step();
    const auto served = simulation.served();
    worst = std::max(worst, std::abs(served[0] - served[1]));
  }
  const double bound = 2 * std::max<double>(kPrompt, 2 * kSequences * (kPrompt + kAnswer));
  EXPECT_LE(worst, bound);
  EXPECT_GT(simulation.served()[1], 5000);
}

TEST(PolicySimulation, LowPriorityIsServedUnderAFloodOfHigh) {
  Simulation simulation(400, 2);
  for (int i = 0; i < 5; ++i) simulation.submit(0, 20, 8, -2);
  for (int step = 0; step < 400; ++step) {
    while (simulation.jobs_of(2) < 8) simulation.submit(1, 20, 8, 2);
    simulation.step();
  }
  EXPECT_EQ(simulation.jobs_of(-2), 0u);
}

// Random loads on few pages: everything ends, and each step is as check() demands.
TEST(PolicySimulation, RandomLoadsEndUnderPagePressure) {
  int preemptions = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    Simulation simulation(24, 6);
    if (seed % 2 == 1) simulation.draft();
    if (seed % 3 == 1) simulation.score();
    for (int i = 0; i < 40; ++i) {
      simulation.submit(rng.below(3), 1 + rng.below(150), 1 + rng.below(100),
                        static_cast<int>(rng.below(3)));
    }
    int steps = 0;
    while (simulation.jobs() > 0 && ++steps < 20'000) simulation.step();
    EXPECT_EQ(simulation.jobs(), 0u) << seed;
    preemptions += simulation.preemptions();
  }
  EXPECT_GT(preemptions, 10);
}

}  // namespace
}  // namespace verge::serve
