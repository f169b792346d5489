#include <algorithm>
#include <functional>
#include <limits>
#include <ranges>

#include <verge/core/result.hpp>
#include <verge/stages/serve/speculation/batch_policy.hpp>

namespace verge::serve {
namespace {

// Plain steps before the first drafts with so many answers: the first ones run on cold caches.
constexpr int64_t kLeastPlain = 3;
// Weight of what was known of all sequences after another draft of one.
constexpr double kMemory = 0.98;

// A draft that could be made: the probability that it is kept with all before it.
struct Offer {
  double kept;
  size_t sequence;
  int64_t depth;  // from 1 on
};

class Decision {
 public:
  Decision(const BatchCosts& costs, const DraftPolicyOptions& options,
           std::span<const DraftHistory* const> histories, std::span<const int64_t> most,
           int64_t room)
      : costs_(costs), options_(options), histories_(histories) {
    use_wider();
    for (size_t i = 0; i < histories.size(); ++i) {
      double kept = 1;
      for (int64_t j = 0; j < std::min(most[i], options.max_draft); ++j) {
        kept *= acceptance(*histories[i], static_cast<size_t>(j));
        offers_.push_back({kept, i, j + 1});
      }
    }
    std::ranges::stable_sort(offers_, std::greater(), &Offer::kept);
    room = std::clamp<int64_t>(room, 0, static_cast<int64_t>(offers_.size()));
    offers_.resize(static_cast<size_t>(room));
  }

  std::vector<int64_t> decide() const {
    std::vector<int64_t> drafts(histories_.size());
    if (offers_.empty() || costs_.drafted_steps >= options_.plain_every) return drafts;
    size_t best = 0;
    double largest = 1 + options_.margin;
    each_speedup(offers_, [&](size_t count, double speedup) {
      if (speedup >= largest) best = count, largest = speedup;
    });
    for (const Offer& offer : std::span(offers_).first(best)) ++drafts[offer.sequence];
    if (best == 0) probe(drafts);
    return drafts;
  }

 private:
  // A step takes no longer than one with more rows: what says so was an interruption.
  void use_wider() {
    double least = std::numeric_limits<double>::infinity();
    for (auto step = costs_.step_s.rbegin(); step != costs_.step_s.rend(); ++step) {
      if (*step > 0) *step = least = std::min(least, *step);
    }
  }

  // Calls visit(drafts, speed-up) for the first 1, 2, ... of these.
  template <typename Visit>
  void each_speedup(std::span<const Offer> offers, Visit visit) const {
    const auto answers = static_cast<double>(histories_.size());
    const double row_cost = std::min(options_.row_cost, kUnknownRow / answers);
    double tokens = answers;
    int64_t rounds = 0;
    for (size_t i = 0; i < offers.size(); ++i) {
      tokens += offers[i].kept;
      rounds = std::max(rounds, offers[i].depth);
      const double seconds = step_seconds(costs_, row_cost, static_cast<int64_t>(i) + 1) +
                             static_cast<double>(rounds) * costs_.draft_s;
      visit(i + 1, tokens / answers * costs_.step_s[0] / seconds);
    }
  }

  // Whether drafts would pay well if every one were kept.
  bool could_pay() const {
    std::vector<Offer> certain = offers_;
    for (Offer& offer : certain) offer.kept = 1;
    std::ranges::stable_sort(certain, {}, &Offer::depth);
    bool pays = false;
    const double worth = 1 + 3 * options_.margin;
    each_speedup(certain, [&](size_t, double speedup) { pays |= speedup >= worth; });
    return pays;
  }

  // One that is due takes along who soon will be: a round of drafts costs about the same for all.
  // The first drafts ever with so many answers are of all: they tell what rows cost.
  void probe(std::vector<int64_t>& drafts) const {
    if (!could_pay()) {
      if (costs_.plain_steps >= options_.rarest_probe) drafts[offers_[0].sequence] = 1;
      return;
    }
    const bool is_known =
        std::any_of(costs_.step_s.begin() + 1, costs_.step_s.end(), [](double t) { return t > 0; });
    const auto has_waited = [&](const Offer& offer, int64_t part) {
      const DraftHistory& history = *histories_[offer.sequence];
      return history.plain_steps >= history.probe_after / part;
    };
    const bool is_due =
        std::ranges::any_of(offers_, [&](const Offer& offer) { return has_waited(offer, 1); });
    for (const Offer& offer : offers_) {
      if (is_due && (!is_known || has_waited(offer, 2))) drafts[offer.sequence] = 1;
    }
  }

  // Of T(0) by n: less than what rows cost that are all computed.
  static constexpr double kUnknownRow = 0.7;

  BatchCosts costs_;
  const DraftPolicyOptions& options_;
  std::span<const DraftHistory* const> histories_;
  std::vector<Offer> offers_;  // the likeliest first, those of a sequence in their order
};

}  // namespace

DraftHistory start_history(const BatchPolicyState& state, const DraftPolicyOptions& options) {
  DraftHistory history = start_history(options);
  history.prior = (state.kept + options.prior) / (state.reached + 1);
  const double rarity = options.prior / std::max(history.prior, 0.01);
  history.probe_after =
      std::clamp(static_cast<int64_t>(rarity * static_cast<double>(options.first_probe)),
                 options.first_probe, options.rarest_probe);
  return history;
}

std::vector<int64_t> decide_drafts(const BatchPolicyState& state, const DraftPolicyOptions& options,
                                   std::span<const DraftHistory* const> histories,
                                   std::span<const int64_t> most, int64_t room) {
  VERGE_CHECK(histories.size() == most.size(), histories.size(), most.size());
  const auto found = state.costs.find(static_cast<int64_t>(histories.size()));
  if (found == state.costs.end() || found->second.plain_seen < kLeastPlain ||
      found->second.step_s[0] <= 0) {
    return std::vector<int64_t>(histories.size());
  }
  return Decision(found->second, options, histories, most, room).decide();
}

void observe_drafts(BatchPolicyState& state, const DraftPolicyOptions& options,
                    std::span<const SequenceDraft> sequences) {
  for (const SequenceDraft& sequence : sequences) {
    observe(*sequence.history, options, sequence.drafted, sequence.kept);
    if (sequence.drafted == 0) continue;
    const int64_t reached = std::min(sequence.kept + 1, sequence.drafted);
    state.reached = kMemory * state.reached + static_cast<double>(reached);
    state.kept = kMemory * state.kept + static_cast<double>(sequence.kept);
  }
}

void observe_times(BatchPolicyState& state, const DraftPolicyOptions& options,
                   std::span<const SequenceDraft> sequences, double draft_s, double step_s) {
  const auto answers = static_cast<int64_t>(sequences.size());
  BatchCosts& costs = state.costs[answers];
  costs.step_s.resize(static_cast<size_t>(answers * options.max_draft) + 1);
  int64_t drafts = 0, rounds = 0;
  for (const SequenceDraft& sequence : sequences) {
    drafts += sequence.drafted;
    rounds = std::max(rounds, sequence.drafted);
  }
  observe(costs, drafts, rounds, draft_s, step_s);
  costs.plain_seen += drafts == 0;
  costs.plain_steps = drafts == 0 ? costs.plain_steps + 1 : 0;
}

}  // namespace verge::serve
