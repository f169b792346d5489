#include <verge/stages/serve/speculation/ngram_proposer.hpp>

namespace verge::serve {

// The last `length` tokens, 21 bits each: tokens that agree in them would only make a bad guess.
uint64_t NgramProposer::key(int length) const {
  uint64_t packed = 0;
  for (size_t i = history_.size() - static_cast<size_t>(length); i < history_.size(); ++i) {
    packed = packed << 21 | (static_cast<uint64_t>(history_[i]) & 0x1fffff);
  }
  return packed;
}

// The end of the sequence enters the index with its next token, so that it never finds itself.
void NgramProposer::add(int32_t token) {
  const auto place = static_cast<int32_t>(history_.size());
  for (int n = options_.shortest; n <= options_.longest && n <= place; ++n) {
    after_[n - 1].insert_or_assign(key(n), place);
  }
  history_.push_back(token);
}

void NgramProposer::follow(std::span<const int32_t> tokens) {
  for (size_t i = history_.size(); i < tokens.size(); ++i) add(tokens[i]);
}

void NgramProposer::reset() {
  history_.clear();
  for (auto& index : after_) index.clear();
}

std::vector<int32_t> NgramProposer::continuation(int64_t most) const {
  std::vector<int32_t> draft;
  for (int n = options_.longest; n >= options_.shortest; --n) {
    if (static_cast<size_t>(n) > history_.size()) continue;
    const auto found = after_[n - 1].find(key(n));
    if (found == after_[n - 1].end()) continue;
    // Past its own end it reads what it has written: a loop goes on.
    for (auto i = static_cast<size_t>(found->second); static_cast<int64_t>(draft.size()) < most;
         ++i) {
      draft.push_back(i < history_.size() ? history_[i] : draft[i - history_.size()]);
    }
    break;
  }
  return draft;
}

Status NgramProposer::prepare(runtime::Sequence& sequence, const std::atomic<bool>*) {
  follow(sequence.tokens());
  return {};
}

Result<Draft> NgramProposer::propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                     DraftSampler&, const std::atomic<bool>*) {
  follow(sequence.tokens());
  if (static_cast<int64_t>(history_.size()) == sequence.length()) add(newest);
  return Draft{continuation(most), {}};
}

}  // namespace verge::serve
