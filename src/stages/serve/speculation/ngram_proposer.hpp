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

  /// What prepare and propose do: `tokens` begin with those added so far.
  void follow(std::span<const int32_t> tokens);
  void add(int32_t token);
  std::vector<int32_t> continuation(int64_t most) const;

 private:
  static constexpr int kLongest = 3;
  uint64_t key(int length) const;

  NgramOptions options_;
  std::vector<int32_t> history_;
  /// [n - 1]: what the last n tokens were, to where the next one stands.
  std::unordered_map<uint64_t, int32_t> after_[kLongest];
};

}  // namespace verge::serve
