#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include <verge/engine/text/grammar/automaton.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>
#include <verge/engine/text/token_bits.hpp>

namespace verge::text::grammar {
namespace {

constexpr uint32_t kLeastBelow = 4;  // nodes that are worth asking for all of them

// Of a position's threads and of the longest chain of calls; positions may share the chain.
size_t bytes_of(const Position& position) {
  int64_t deepest = 0;
  for (const Thread& thread : position.threads) {
    if (thread.frame) deepest = std::max(deepest, thread.frame->depth);
  }
  return position.threads.size() * sizeof(Thread) +
         static_cast<size_t>(deepest) * (sizeof(Frame) + 2 * sizeof(void*));
}

void set_bits(std::span<const uint64_t> from, std::span<uint64_t> to) {
  for (size_t i = 0; i < from.size(); ++i) to[i] |= from[i];
}

}  // namespace

class TokenMasks::Returns {
 public:
  void add(const FramePtr& frame, std::span<const uint32_t> nodes) {
    if (!frame || nodes.empty()) return;
    const auto [found, is_new] = by_frame_.emplace(frame.get(), Entry{frame, {}});
    auto& known = found->second.nodes;
    known.insert(known.end(), nodes.begin(), nodes.end());
    if (is_new) order_.insert({depth_of(frame.get()), frame.get()});
  }

  struct Entry {
    FramePtr frame;
    std::vector<uint32_t> nodes;  // sorted, each once
  };

  // The deepest, so that all that return to the same frame have come together.
  bool take(Entry& entry) {
    if (order_.empty()) return false;
    const auto deepest = std::prev(order_.end());
    const auto found = by_frame_.find(deepest->second);
    entry = std::move(found->second);
    by_frame_.erase(found);
    order_.erase(deepest);
    std::ranges::sort(entry.nodes);
    entry.nodes.erase(std::unique(entry.nodes.begin(), entry.nodes.end()), entry.nodes.end());
    return true;
  }

 private:
  static int64_t depth_of(const Frame* frame) { return frame->depth; }

  std::map<const Frame*, Entry> by_frame_;
  std::set<std::pair<int64_t, const Frame*>> order_;
};

TokenMasks::TokenMasks(std::shared_ptr<const Grammar> grammar,
                       std::shared_ptr<const TokenTrie> trie, size_t cache_bytes,
                       size_t machine_bytes)
    : grammar_(std::move(grammar)),
      trie_(std::move(trie)),
      cache_bytes_(cache_bytes),
      words_(token_words(trie_->size())),
      recognizer_(grammar_->automaton(), machine_bytes),
      path_(size_t{trie_->depth()} + 1),
      free_text_(grammar_->automaton(), recognizer_.machine()) {
  count_bytes();
}

Position TokenMasks::begin() {
  const std::lock_guard lock(mutex_);
  Position position = recognizer_.begin();
  count_bytes();
  return position;
}

Position TokenMasks::advance(const Position& position, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  Position moved = recognizer_.advance(position, bytes);
  if (recognizer_.machine().out_of_memory()) {
    forget_own();
    forget_sets();
    moved = recognizer_.advance(position, bytes);
  }
  count_bytes();
  return moved;
}

bool TokenMasks::overflowed() const {
  const std::lock_guard lock(mutex_);
  return recognizer_.overflowed();
}

void TokenMasks::count_bytes() {
  bytes_.store(grammar_->automaton().memory_bytes() + own_bytes_ + kept_bytes_ +
                   recognizer_.machine().bytes() + free_text_.bytes(),
               std::memory_order_relaxed);
}

void TokenMasks::mask(const Position& position, bool first, std::span<uint64_t> bits) {
  VERGE_CHECK(bits.size() >= words_, bits.size(), words_);
  std::ranges::fill(bits, 0);
  const std::lock_guard lock(mutex_);
  if (first && trie_->drops_first_space()) {
    find_whole(position, true, bits.first(words_));
    count_bytes();
    return;
  }
  const auto [begin, end] = kept_by_hash_.equal_range(position.hash);
  for (auto found = begin; found != end; ++found) {
    if (!(found->second->position == position)) continue;
    std::ranges::copy(found->second->bits, bits.begin());
    kept_.splice(kept_.begin(), kept_, found->second);
    return;
  }
  trim();
  const bool whole = find_whole(position, false, bits.first(words_));
  drop_too_deep(position, bits.first(words_));
  if (whole) keep(position, bits.first(words_));
  count_bytes();
}

// Once more from nothing if the machine ran out of memory: what was found until then may lack
// tokens. False if that is not enough either.
bool TokenMasks::find_whole(const Position& position, bool first, std::span<uint64_t> bits) {
  for (const bool again : {false, true}) {
    std::ranges::fill(bits, 0);
    first ? find_first(position, bits) : find(position, bits);
    if (!recognizer_.machine().out_of_memory()) return true;
    forget_own();
    if (!again) forget_sets();
  }
  return false;
}

// Near the recognizer's limit, tokens that would pass it.
void TokenMasks::drop_too_deep(const Position& position, std::span<uint64_t> bits) {
  const bool near = std::ranges::any_of(position.threads, [&](const Thread& thread) {
    const int64_t depth = thread.frame ? thread.frame->depth : 0;
    return depth + recognizer_.machine().deepest() > Recognizer::kMaxDepth;
  });
  if (!near) return;
  for (int32_t token = 0; token < trie_->size(); ++token) {
    if (!has_token(bits, token) || trie_->is_end(token)) continue;
    if (!recognizer_.try_advance(position, trie_->piece(token))) drop_token(bits, token);
  }
}

void TokenMasks::find(const Position& position, std::span<uint64_t> bits) {
  Returns returns;
  for (const Thread& thread : position.threads) {
    const Own& found = own(thread.state);
    if (!found.bits.empty()) set_bits(found.bits, bits);
    for (const int32_t token : found.tokens) add_token(token, bits);
    returns.add(thread.frame, found.returns);
  }
  follow(returns, bits);
  add_ends(position, bits);
}

void TokenMasks::add_ends(const Position& position, std::span<uint64_t> bits) const {
  if (!position.complete) return;
  for (const int32_t token : trie_->ends()) text::add_token(bits, token);
}

// A text's first token, whose leading space is dropped: walked from behind the space as well as
// from the root, and not kept, for it comes once an answer.
void TokenMasks::find_first(const Position& position, std::span<uint64_t> bits) {
  Returns returns;
  for (const TokenTrie::Segment& segment : trie_->segments()) {
    for (uint32_t node = segment.begin; node < segment.end;) {
      const TokenTrie::Node& top = trie_->nodes()[node];
      for (const Thread& thread : position.threads) {
        const Machine::SetId from = recognizer_.machine().start(thread.state);
        std::vector<uint32_t> ended;
        const bool space = top.byte == ' ';
        walk(node + (space ? 1 : 0), top.subtree_end, from, {bits, &ended});
        returns.add(thread.frame, ended);
      }
      if (top.byte == ' ' && position.alive()) add_token(top.token, bits);
      node = top.subtree_end;
    }
  }
  follow(returns, bits);
  add_ends(position, bits);
}

// Goes on behind rules that ended within a token, in what called them.
void TokenMasks::follow(Returns& returns, std::span<uint64_t> bits) {
  Returns::Entry entry;
  while (returns.take(entry)) {
    const Machine::SetId from = recognizer_.machine().start(entry.frame->to);
    std::vector<uint32_t> ended;
    if (recognizer_.machine().returns(from)) ended = entry.nodes;
    for (const uint32_t node : entry.nodes) {
      if (reads_all_below(node, from)) {
        add_below(node, bits);
      } else {
        walk(node + 1, trie_->nodes()[node].subtree_end, from, {bits, &ended});
      }
    }
    returns.add(entry.frame->above, ended);
  }
}

const TokenMasks::Own& TokenMasks::own(int32_t state) {
  const auto found = own_.find(state);
  if (found != own_.end()) return found->second;
  Own made = find_own(state);
  own_bytes_ += made.bits.size() * 8 + (made.tokens.size() + made.returns.size()) * 4 + 128;
  return own_.emplace(state, std::move(made)).first->second;
}

TokenMasks::Own TokenMasks::find_own(int32_t state) {
  Own found;
  found.bits.resize(words_);
  const Machine::SetId from = recognizer_.machine().start(state);
  const int limit = free_text_.limit(from, Alphabet::Plain, TokenTrie::kMostPlain);
  if (limit >= 0) set_bits(trie_->plain_tokens(limit), found.bits);
  for (const TokenTrie::Segment& segment : trie_->segments()) {
    if (segment.most_characters > 0 && limit >= 0) continue;
    if (segment.most_characters > 0 &&
        free_text_.follows(from, Alphabet::Plain, segment.most_characters)) {
      set_bits(segment.tokens, found.bits);
    } else {
      walk(segment.begin, segment.end, from, {found.bits, &found.returns});
    }
  }
  size_t count = 0;
  for (const uint64_t word : found.bits) count += static_cast<size_t>(std::popcount(word));
  if (count > words_) return found;
  for (size_t i = 0; i < words_; ++i) {
    for (uint64_t word = found.bits[i]; word != 0; word &= word - 1) {
      found.tokens.push_back(static_cast<int32_t>(i * 64 + std::countr_zero(word)));
    }
  }
  found.bits = {};
  return found;
}

// From the set before node `begin`, all nodes up to `end`: tokens that the machine can read.
void TokenMasks::walk(uint32_t begin, uint32_t end, Machine::SetId from, const Walk& out) {
  if (begin >= end) return;
  Machine& machine = recognizer_.machine();
  const std::span<const TokenTrie::Node> nodes = trie_->nodes();
  path_[nodes[begin].depth - 1] = from;
  for (uint32_t i = begin; i < end;) {
    const TokenTrie::Node& node = nodes[i];
    const Machine::SetId set = machine.step(path_[node.depth - 1], node.byte);
    if (set == Machine::kDead) {
      i = node.subtree_end;
      continue;
    }
    path_[node.depth] = set;
    if (node.token >= 0) add_token(node.token, out.bits);
    if (reads_all_below(i, set)) {  // nothing that a return may add
      add_below(i, out.bits);
      i = node.subtree_end;
      continue;
    }
    if (machine.returns(set) && node.subtree_end > i + 1) out.returns->push_back(i);
    ++i;
  }
}

void TokenMasks::add_token(int32_t token, std::span<uint64_t> bits) const {
  for (; token >= 0; token = trie_->next_alike(token)) {
    text::add_token(bits, token);
  }
}

bool TokenMasks::reads_all_below(uint32_t index, Machine::SetId set) {
  const TokenTrie::Node& node = trie_->nodes()[index];
  return node.below_characters > 0 && node.subtree_end - index > kLeastBelow &&
         free_text_.follows(set, node.alphabet(), node.below_characters);
}

void TokenMasks::add_below(uint32_t index, std::span<uint64_t> bits) const {
  const std::span<const TokenTrie::Node> nodes = trie_->nodes();
  const uint32_t end = nodes[index].subtree_end;
  for (uint32_t i = index + 1; i < end; ++i) {
    if (nodes[i].token >= 0) add_token(nodes[i].token, bits);
  }
}

void TokenMasks::keep(const Position& position, std::span<const uint64_t> bits) {
  const size_t bytes = words_ * sizeof(uint64_t) + sizeof(Kept) + 256 + bytes_of(position);
  while (!kept_.empty() && kept_bytes_ + bytes > cache_bytes_) drop_last_kept();
  kept_.push_front({position, {bits.begin(), bits.end()}, bytes});
  kept_by_hash_.emplace(position.hash, kept_.begin());
  kept_bytes_ += bytes;
}

void TokenMasks::drop_last_kept() {
  const auto [begin, end] = kept_by_hash_.equal_range(kept_.back().position.hash);
  kept_by_hash_.erase(
      std::find_if(begin, end, [&](const auto& entry) { return &*entry.second == &kept_.back(); }));
  kept_bytes_ -= kept_.back().bytes;
  kept_.pop_back();
}

// Between two masks, when no set is in use.
void TokenMasks::trim() {
  if (own_bytes_ > cache_bytes_) forget_own();
  const Machine& machine = recognizer_.machine();
  if (machine.bytes() > machine.most_bytes() / 4 || machine.out_of_memory()) forget_sets();
}

void TokenMasks::forget_own() {
  own_.clear();
  own_bytes_ = 0;
}

void TokenMasks::forget_sets() {
  recognizer_.machine().clear();
  free_text_.clear();
}

}  // namespace verge::text::grammar
