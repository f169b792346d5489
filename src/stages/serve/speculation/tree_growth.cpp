#include <algorithm>
#include <cmath>
#include <memory>

#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/speculation/tree_growth.hpp>

namespace verge::serve {
namespace {

// Tokens that are looked at after each node.
constexpr size_t kChoices = 3;
// The answer draws by the same random numbers from a distribution that is alike: what the sampler
// draws is likelier than its part of the distribution.
constexpr double kSharedDraw = 0.5;

// A node after whose token the model has run.
struct OpenNode {
  int32_t node;
  runtime::Sequence* sequence;
  bool is_drawn;  // on the path of what the sampler draws
};

std::vector<text::TokenProbability> choices_after(std::span<const float> logits) {
  std::vector<text::TokenProbability> choices;
  for (const auto& [token, logprob] : text::top_logprobs(logits, kChoices)) {
    choices.push_back({token, std::exp(logprob)});
  }
  return choices;
}

class Growth {
 public:
  Growth(runtime::Sequence& base, const TreeShape& shape, DraftSampler& sampler)
      : shape_(shape), sampler_(sampler), open_{{kTreeRoot, &base, true}} {}

  // Takes the logits after the open nodes; which to go on with are those it returns.
  void offer() {
    next_.clear();
    int64_t row = 0;
    for (const OpenNode& open : open_) {
      offer(open, runtime::step_logits(open.sequence->decoder(), row++));
    }
    // What follows a node is no likelier than it: in a full tree that must be more than the least.
    const double least = tree_.least_of_best(shape_.nodes);
    std::erase_if(next_, [&](const Next& next) {
      return tree_.probability(next.node) <= least || tree_.depth(next.node) >= shape_.depth;
    });
    std::ranges::stable_sort(next_, std::greater(),
                             [&](const Next& next) { return tree_.probability(next.node); });
    if (static_cast<int64_t>(next_.size()) > shape_.width) {
      next_.resize(static_cast<size_t>(shape_.width));
    }
  }

  // The items that go on. The first child of a node takes its sequence, others a fork of it.
  std::vector<runtime::StepItem> items() {
    std::vector<OpenNode> going_on;
    std::vector<bool> is_taken(open_.size());
    for (const bool is_fork : {true, false}) {  // a fork is made before the sequence goes on
      for (size_t i = 0; i < next_.size(); ++i) {
        const bool is_first =
            std::ranges::none_of(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(i),
                                 [&](const Next& other) { return other.after == next_[i].after; });
        if (is_first == is_fork) continue;
        runtime::Sequence* sequence = open_[next_[i].after].sequence;
        if (is_fork) sequence = fork_of(*sequence);
        if (sequence == nullptr || !sequence->reserve(sequence->length() + 1)) continue;
        going_on.push_back({next_[i].node, sequence, next_[i].is_drawn});
      }
    }
    open_ = std::move(going_on);
    std::vector<runtime::StepItem> items;
    for (const OpenNode& open : open_) {
      items.push_back({open.sequence, {&tree_.nodes()[static_cast<size_t>(open.node)].token, 1}});
    }
    return items;
  }

  DraftTree take() {
    tree_.keep_best(shape_.nodes);
    return std::move(tree_);
  }

 private:
  struct Next {
    int32_t node;
    size_t after;  // of open_
    bool is_drawn;
  };

  void offer(const OpenNode& open, std::span<const float> logits) {
    const auto after = static_cast<size_t>(&open - open_.data());
    const double before = tree_.probability(open.node);
    const std::vector<text::TokenProbability> choices = choices_after(logits);
    if (open.is_drawn) {
      Draft draft;
      const bool goes_on = sampler_.extend(draft, logits);
      if (!draft.tokens.empty()) {
        const int32_t token = draft.tokens[0];
        const double own = std::max<double>(text::probability_of(choices, token), kSharedDraw);
        const int32_t node = tree_.add(open.node, token, before * own);
        if (goes_on) next_.push_back({node, after, true});
      }
    }
    for (const text::TokenProbability& choice : choices) {
      if (sampler_.ends_with(choice.token) || tree_.child(open.node, choice.token) != kTreeRoot) {
        continue;
      }
      const int32_t node = tree_.add(open.node, choice.token, before * choice.probability);
      next_.push_back({node, after, false});
    }
  }

  runtime::Sequence* fork_of(runtime::Sequence& sequence) {
    Result<runtime::Sequence> fork = sequence.fork();
    if (!fork) return nullptr;
    forks_.push_back(std::make_unique<runtime::Sequence>(std::move(*fork)));
    return forks_.back().get();
  }

  TreeShape shape_;
  DraftSampler& sampler_;
  DraftTree tree_;
  std::vector<OpenNode> open_;
  std::vector<Next> next_;
  std::vector<std::unique_ptr<runtime::Sequence>> forks_;
};

}  // namespace

Result<DraftTree> grow_tree(runtime::Sequence& base, const TreeShape& shape, DraftSampler& sampler,
                            const DraftRun& run) {
  Growth growth(base, shape, sampler);
  for (;;) {
    growth.offer();
    const std::vector<runtime::StepItem> items = growth.items();
    if (items.empty()) return growth.take();
    const Status status = run(items);
    if (!status && status.error().code == Code::Cancelled) return status.error();
    if (!status) return growth.take();
  }
}

}  // namespace verge::serve
