#pragma once
// NgramProposer: the tokens that followed the last time the sequence ended as it does now. Prompt
// lookup decoding (Saxena 2023), as LLMA (Yang et al. 2023): for edits, summaries, code, lists.

#include <unordered_map>

#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

struct NgramOptions {
  int longest = 3;  // tokens of the end that are looked up first, 1 to 3
  int shortest = 1;
};

/// The most recent place where the longest of the last 3, 2, 1 tokens stood before. An index of all
/// of them makes a token cost O(1), and a few dozen bytes.
class NgramProposer : public Proposer {
 public:
  explicit NgramProposer(NgramOptions options = {}) : options_(options) {}
  std::string_view name() const override { return "ngram"; }

  void reset() override;
  Status prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) override;
  Result<Draft> propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                        DraftSampler& sampler, const std::atomic<bool>* cancel) override;

  /// The paths after several places where the sequence stood as it does now.
  Result<DraftTree> propose_tree(runtime::Sequence& sequence, int32_t newest,
                                 const TreeShape& shape, DraftSampler& sampler,
                                 const std::atomic<bool>* cancel) override;

  /// What prepare and propose do: `tokens` begin with those added so far.
  void follow(std::span<const int32_t> tokens);
  void add(int32_t token);
  std::vector<int32_t> continuation(int64_t most) const;
  DraftTree continuations(const TreeShape& shape) const;

 private:
  static constexpr int kLongest = 3;
  static constexpr int32_t kNone = -1;
  /// Where the token after an n-gram stands: the last time, and the time before.
  struct Places {
    int32_t last = kNone, before = kNone;
  };
  uint64_t key(int length) const;
  void catch_up(const runtime::Sequence& sequence, int32_t newest);
  Places places(int length) const;
  std::vector<int32_t> from(int32_t place, int64_t most) const;

  NgramOptions options_;
  std::vector<int32_t> history_;
  std::unordered_map<uint64_t, Places> after_[kLongest];  // [n - 1]: of n tokens
};

}  // namespace verge::serve
