#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>
#include <verge/stages/serve/scheduler/policy.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kPromptsAtOnce = 4;  // beyond what one step can run
// Of a step, the part for prompts while answers wait for their next token.
constexpr int64_t kShareBesideAnswers = 4;

// One step in the making: counts down what it hands out.
class StepPlanner {
 public:
  explicit StepPlanner(const PolicyState& state)
      : state_(state),
        limits_(state.limits),
        tenants_(state.tenants),
        free_pages_(state.free_pages),
        classes_(classes_of(state)) {
    for (const Candidate& candidate : state.candidates) {
      if (candidate.phase == Phase::Running) running_.push_back(&candidate);
    }
  }

  StepPlan plan() {
    keep_pages_for_answers();
    admit();
    run_answers();
    run_prompts();
    run_drafts();
    // Prompts alone that hold all pages between them: one makes room.
    if (plan_.run.empty() && running_.size() > 1) preempt_one();
    return std::move(plan_);
  }

 private:
  using Entry = const Candidate*;

  // By priority: itself and what it has aged.
  static std::map<int, int> classes_of(const PolicyState& state) {
    std::map<int, double> oldest;
    for (const Candidate& candidate : state.candidates) {
      if (candidate.phase == Phase::Running) continue;
      const auto [at, is_new] = oldest.try_emplace(candidate.priority, candidate.since_s);
      if (!is_new) at->second = std::min(at->second, candidate.since_s);
    }
    std::map<int, int> classes;
    for (auto [priority, since] : oldest) {
      const auto last = state.admitted_s.find(priority);
      if (last != state.admitted_s.end()) since = std::max(since, last->second);
      const double aged = std::floor((state.now_s - since) / state.limits.ageing_s);
      classes[priority] = priority + static_cast<int>(std::clamp(aged, 0.0, 1e6));
    }
    return classes;
  }

  int class_of(Entry candidate) const {
    const auto found = classes_.find(candidate->priority);
    return found == classes_.end() ? candidate->priority : found->second;
  }

  // Arrival is the order of the candidates themselves.
  auto rank(Entry candidate) const {
    return std::tuple(-class_of(candidate), candidate->phase == Phase::Waiting,
                      tenants_[candidate->tenant].served, candidate);
  }

  int64_t pages(int64_t tokens) const {
    return (tokens + limits_.page_tokens - 1) / limits_.page_tokens;
  }

  // Pages from here until the sequence has its next token.
  int64_t pages_missing(Entry candidate) const {
    const int64_t target = std::max(candidate->prompt, candidate->length + 1);
    return pages(target) - pages(candidate->length);
  }

  int64_t pages_to_admit(Entry candidate) const {
    return pages(candidate->length) + pages_missing(candidate) - candidate->shared;
  }

  void keep_pages_for_answers() {
    const auto needed = [&] {
      int64_t sum = 0;
      for (const Entry entry : running_) sum += entry->rest() == 0 ? pages_missing(entry) : 0;
      return sum;
    };
    while (running_.size() > 1 && needed() > free_pages_) preempt_one();
  }

  void preempt_one() {
    const auto victim = std::ranges::min_element(running_, {}, [&](Entry entry) {
      return std::tuple(entry->priority, -(entry - state_.candidates.data()));
    });
    plan_.preempt.push_back((*victim)->id);
    free_pages_ += (*victim)->exclusive;
    running_.erase(victim);
  }

  // Pages that running sequences will want before their next token.
  int64_t committed() const {
    int64_t sum = 0;
    for (const Entry entry : running_) sum += pages_missing(entry);
    return sum;
  }

  bool has_room(Entry candidate) const {
    const int64_t needed = pages_to_admit(candidate);
    if (running_.empty()) return needed <= free_pages_;
    const auto sequences = static_cast<int64_t>(running_.size()) + 1;
    return committed() + needed + sequences * limits_.reserve_pages <= free_pages_;
  }

  int64_t answers() const { return std::ranges::count(running_, 0, &Candidate::rest); }

  int64_t budget() const {
    return std::min(limits_.max_tokens,
                    std::max(limits_.step_tokens, answers() + 2 * limits_.min_chunk));
  }

  int64_t prompt_budget() const {
    const int64_t left = budget() - answers();
    if (answers() == 0) return left;
    const int64_t share = limits_.step_tokens / kShareBesideAnswers;
    return std::min(left, std::max(share, 2 * limits_.min_chunk));
  }

  // Whether a step has use for one more prompt.
  bool wants_prompts() const {
    int64_t prompts = 0, tokens = 0;
    for (const Entry entry : running_) {
      prompts += entry->rest() > 0;
      tokens += entry->rest();
    }
    return prompts < kPromptsAtOnce || tokens < prompt_budget();
  }

  Entry next(const std::set<uint64_t>& started) const {
    Entry best = nullptr;
    for (const Candidate& candidate : state_.candidates) {
      if (candidate.phase == Phase::Running || candidate.waits_for_prefix) continue;
      if (candidate.phase == Phase::Waiting && !state_.admits) continue;
      if (admitted_.contains(candidate.id) || started.contains(candidate.next_page)) continue;
      if (best == nullptr || rank(&candidate) < rank(best)) best = &candidate;
    }
    return best;
  }

  void charge(Entry entry) {
    if (entry->phase != Phase::Waiting) return;
    tenants_[entry->tenant].served += FairShare::kPrefillCost * static_cast<double>(entry->rest());
  }

  // The first that does not fit stops admission: nobody overtakes it for ever.
  void admit() {
    std::set<uint64_t> started;  // pages that those admitted will fill: others wait and share them
    while (static_cast<int64_t>(running_.size()) < most_running(limits_) && plan_.preempt.empty()) {
      const Entry entry = next(started);
      if (entry == nullptr || !has_room(entry)) return;
      if (entry->rest() > 0 && !wants_prompts()) return;
      admitted_.insert(entry->id);
      plan_.admit.push_back(entry->id);
      if (entry->next_page != 0) started.insert(entry->next_page);
      free_pages_ -= pages(entry->length) - entry->shared;
      charge(entry);
      running_.push_back(entry);
    }
  }

  // Pages that so many tokens more would take.
  int64_t pages_of(Entry entry, int64_t tokens) const {
    return pages(entry->length + tokens) - pages(entry->length);
  }

  // Rows of logits for prompts that take one each token, beside those that everybody who runs
  // keeps.
  int64_t spare_rows() const { return limits_.max_outputs - static_cast<int64_t>(running_.size()); }

  int64_t rows_of(Entry entry, int64_t tokens) const {
    return entry->row_each && tokens > 0 ? tokens - 1 : 0;
  }

  int64_t chunk_for(Entry entry, int64_t most) const {
    const int64_t fitting = (pages(entry->length) + free_pages_) * limits_.page_tokens;
    most = std::min(most, fitting - entry->length);
    if (!entry->row_each) return runtime::next_chunk(entry->rest(), most, limits_.min_chunk);
    const int64_t rows = 1 + spare_rows() - scored_rows_;
    const int64_t chunk =
        runtime::next_chunk(entry->rest(), std::min(most, rows), limits_.min_chunk);
    const bool is_short_of_rows = rows < most && 1 + spare_rows() < 2 * limits_.min_chunk;
    return chunk == 0 && is_short_of_rows ? std::min(entry->rest(), rows) : chunk;
  }

  void run(Entry entry, int64_t tokens) {
    if (tokens == 0) return;
    plan_.run.push_back({.id = entry->id, .tokens = tokens});
    entries_[entry->id] = entry;
    free_pages_ -= pages_of(entry, tokens);
    scored_rows_ += rows_of(entry, tokens);
  }

  void run_answers() {
    for (const Entry entry : running_) {
      if (entry->rest() == 0) run(entry, 1);
    }
  }

  void run_prompts() {
    std::vector<Entry> prompts;
    std::ranges::copy_if(running_, std::back_inserter(prompts),
                         [](Entry entry) { return entry->rest() > 0; });
    if (prompts.empty()) return;
    const Entry oldest = *std::ranges::min_element(prompts);
    std::erase(prompts, oldest);
    std::ranges::stable_sort(prompts, {}, &Candidate::rest);
    int64_t left = prompt_budget();
    const int64_t kept = chunk_for(oldest, std::max(left / 4, 2 * limits_.min_chunk));
    const int64_t kept_pages = pages_of(oldest, kept), kept_rows = rows_of(oldest, kept);
    free_pages_ -= kept_pages;
    scored_rows_ += kept_rows;
    for (const Entry entry : prompts) {
      const int64_t chunk = chunk_for(entry, left - kept);
      run(entry, chunk);
      left -= chunk;
    }
    free_pages_ += kept_pages;
    scored_rows_ -= kept_rows;
    run(oldest, chunk_for(oldest, left));
  }

  // One more draft for each in turn, for as long as there are tokens, rows and pages.
  void run_drafts() {
    int64_t left = budget(), rows = limits_.max_outputs;
    for (const StepPart& part : plan_.run) {
      left -= part.tokens;
      const Entry entry = entries_.at(part.id);
      rows -= part.tokens >= entry->rest() || entry->row_each ? 1 + rows_of(entry, part.tokens) : 0;
    }
    left = std::min(left, rows);
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (StepPart& part : plan_.run) {
        const Entry entry = entries_.at(part.id);
        const int64_t tokens = part.tokens + part.drafts;
        const int64_t more = pages_of(entry, tokens + 1) - pages_of(entry, tokens);
        if (left <= 0 || entry->rest() > 0 || part.drafts == entry->drafts || more > free_pages_)
          continue;
        ++part.drafts;
        --left;
        free_pages_ -= more;
        goes_on = true;
      }
    }
  }

  const PolicyState& state_;
  const StepLimits& limits_;
  std::vector<TenantShare> tenants_;
  int64_t free_pages_;
  int64_t scored_rows_ = 0;  // beside one each
  std::map<int, int> classes_;
  std::vector<Entry> running_;
  std::set<RequestId> admitted_;
  std::map<RequestId, Entry> entries_;  // of those that run
  StepPlan plan_;
};

}  // namespace

int64_t most_running(const StepLimits& limits) {
  const int64_t beside_a_chunk = limits.max_tokens - 2 * limits.min_chunk;
  return std::max<int64_t>(1, std::min({limits.max_sequences, limits.max_outputs, beside_a_chunk}));
}

StepPlan plan_step(const PolicyState& state) {
  return StepPlanner(state).plan();
}

}  // namespace verge::serve
