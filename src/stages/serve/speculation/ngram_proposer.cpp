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
    Places& places = after_[n - 1][key(n)];
    places = {place, places.last};
  }
  history_.push_back(token);
}

void NgramProposer::follow(std::span<const int32_t> tokens) {
  for (size_t i = history_.size(); i < tokens.size(); ++i) add(tokens[i]);
}

void NgramProposer::catch_up(const runtime::Sequence& sequence, int32_t newest) {
  follow(sequence.tokens());
  if (static_cast<int64_t>(history_.size()) == sequence.length()) add(newest);
}

void NgramProposer::reset() {
  history_.clear();
  for (auto& index : after_) index.clear();
}

NgramProposer::Places NgramProposer::places(int length) const {
  if (static_cast<size_t>(length) > history_.size()) return {};
  const auto found = after_[length - 1].find(key(length));
  return found == after_[length - 1].end() ? Places{} : found->second;
}

// Past its own end it reads what it has written: a loop goes on.
std::vector<int32_t> NgramProposer::from(int32_t place, int64_t most) const {
  std::vector<int32_t> draft;
  for (auto i = static_cast<size_t>(place); static_cast<int64_t>(draft.size()) < most; ++i) {
    draft.push_back(i < history_.size() ? history_[i] : draft[i - history_.size()]);
  }
  return draft;
}

std::vector<int32_t> NgramProposer::continuation(int64_t most) const {
  for (int n = options_.longest; n >= options_.shortest; --n) {
    if (const int32_t place = places(n).last; place != kNone) return from(place, most);
  }
  return {};
}

// What a token of a path is worth depends on how much of the text its place agrees with.
DraftTree NgramProposer::continuations(const TreeShape& shape) const {
  constexpr double kLast[kLongest] = {0.5, 0.7, 0.85}, kBefore[kLongest] = {0.3, 0.5, 0.7};
  DraftTree tree;
  for (int n = options_.longest; n >= options_.shortest; --n) {
    const Places found = places(n);
    for (const auto& [place, likely] :
         {std::pair(found.last, kLast[n - 1]), std::pair(found.before, kBefore[n - 1])}) {
      if (place == kNone) continue;
      int32_t node = kTreeRoot;
      for (const int32_t token : from(place, shape.depth)) {
        node = tree.add(node, token, tree.probability(node) * likely);
      }
    }
  }
  tree.keep_best(shape.nodes);
  return tree;
}

Status NgramProposer::prepare(runtime::Sequence& sequence, const std::atomic<bool>*) {
  follow(sequence.tokens());
  return {};
}

Result<Draft> NgramProposer::propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                     DraftSampler&, const std::atomic<bool>*) {
  catch_up(sequence, newest);
  return Draft{continuation(most), {}};
}

Result<DraftTree> NgramProposer::propose_tree(runtime::Sequence& sequence, int32_t newest,
                                              const TreeShape& shape, DraftSampler&,
                                              const std::atomic<bool>*) {
  catch_up(sequence, newest);
  return continuations(shape);
}

}  // namespace verge::serve
