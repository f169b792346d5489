#include <algorithm>
#include <utility>

#include <verge/engine/text/grammar/machine.hpp>

namespace verge::text::grammar {
namespace {

uint64_t key_of(int32_t a, int32_t b) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32) | static_cast<uint32_t>(b);
}

uint64_t hash_of(const std::vector<Machine::Item>& items) {
  uint64_t hash = 0x9E3779B97F4A7C15;
  for (const Machine::Item& item : items) {
    hash = (hash ^ key_of(item.state, item.calls)) * 0xFF51AFD7ED558CCD;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

Machine::Machine(const Automaton& automaton, size_t most_bytes)
    : automaton_(automaton),
      width_(static_cast<size_t>(automaton.byte_classes())),
      most_bytes_(most_bytes) {
  clear();
}

void Machine::clear() {
  sets_.assign(1, {});
  steps_.assign(width_, kDead);
  by_hash_.clear();
  starts_.clear();
  calls_.assign(1, {-1, 0});
  out_of_memory_ = false;
  call_ids_.clear();
  visited_.clear();
  bytes_ = 0;
}

Machine::SetId Machine::start(int32_t state) {
  const auto [found, is_new] = starts_.emplace(state, kDead);
  if (is_new) found->second = intern({{state, 0}});
  return found->second;
}

Machine::SetId Machine::make_step(SetId set, uint8_t byte) {
  std::vector<Item> items;
  for (const Item& item : sets_[set].readers) {
    for (const Automaton::ByteEdge& edge : automaton_.bytes(item.state)) {
      if (edge.bytes.first <= byte && byte <= edge.bytes.last) {
        items.push_back({edge.to, item.calls});
      }
    }
  }
  std::ranges::sort(items, {}, [](const Item& item) { return key_of(item.state, item.calls); });
  items.erase(std::unique(items.begin(), items.end()), items.end());
  const SetId next = items.empty() ? kDead : intern(std::move(items));
  steps_[static_cast<size_t>(set) * width_ + automaton_.byte_class(byte)] = next;
  return next;
}

Machine::SetId Machine::intern(std::vector<Item> items) {
  const uint64_t hash = hash_of(items);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto found = first; found != last; ++found) {
    if (sets_[found->second].items == items) return found->second;
  }
  Set set;
  set.items = std::move(items);
  const bool closed = close(set);
  const size_t bytes = sizeof(Set) + width_ * sizeof(SetId) + 64 +
                       (set.items.size() + set.readers.size()) * sizeof(Item);
  if (!closed || bytes_ + bytes > most_bytes_) {
    (closed ? out_of_memory_ : overflowed_) = true;
    return kDead;
  }
  bytes_ += bytes;
  const auto id = static_cast<SetId>(sets_.size());
  sets_.push_back(std::move(set));
  steps_.resize(steps_.size() + width_, -1);
  by_hash_.emplace(hash, id);
  return id;
}

bool Machine::visit(const Item& item) {
  uint32_t& seen = visited_[key_of(item.state, item.calls)];
  return std::exchange(seen, closure_) != closure_;
}

// What is reached without reading, unless it is too much: past skips, into calls, and back from
// rules that end.
bool Machine::close(Set& set) {
  ++closure_;
  std::vector<Item> pending;
  const auto add = [&](const Item& item) {
    if (visit(item)) pending.push_back(item);
  };
  for (const Item& item : set.items) add(item);
  size_t calls = 0;
  for (size_t seen = 0; !pending.empty(); ++seen) {
    if (seen > 8 * kMaxItems || set.readers.size() > kMaxItems || calls > kMaxCalls) {
      return false;
    }
    const Item item = pending.back();
    pending.pop_back();
    if (automaton_.is_end(item.state)) {
      if (item.calls == 0) {
        set.returns = true;
      } else {
        add({calls_[item.calls].to, calls_[item.calls].above});
      }
    }
    if (!automaton_.bytes(item.state).empty()) set.readers.push_back(item);
    for (const int32_t to : automaton_.skips(item.state)) add({to, item.calls});
    for (const Automaton::CallEdge& call : automaton_.calls(item.state)) {
      // A call at the end of a rule returns where the rule does: endless lists need no memory.
      const bool is_last = automaton_.is_end(call.to);
      calls += is_last ? 0 : 1;
      add({call.start, is_last ? item.calls : push(call.to, item.calls)});
    }
  }
  set.goes_on = !set.readers.empty();
  if (visited_.size() > (size_t{1} << 16)) visited_.clear();
  return true;
}

int32_t Machine::push(int32_t to, int32_t above) {
  const auto [found, is_new] =
      call_ids_.emplace(key_of(to, above), static_cast<int32_t>(calls_.size()));
  if (is_new) {
    calls_.push_back({to, above, calls_[above].depth + 1});
    deepest_ = std::max(deepest_, calls_.back().depth);
    bytes_ += 64;
  }
  return found->second;
}

}  // namespace verge::text::grammar
