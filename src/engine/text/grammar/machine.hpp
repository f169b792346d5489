#pragma once
// Machine: an automaton made deterministic as far as it is used. A set is all that may be true
// after some bytes: states, each with the calls it has to return from. Calls made before the set
// began are not in it: it says instead that it may have returned to them, so that one set serves
// wherever its rule is called from.

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include <verge/engine/text/grammar/automaton.hpp>

namespace verge::text::grammar {

/// Keeps a reference to the automaton; one thread at a time. Ids are valid until clear().
class Machine {
 public:
  using SetId = int32_t;
  static constexpr SetId kDead = 0;  // no text begins like this

  /// A state, and the calls above it since the set's beginning (0: none).
  struct Item {
    int32_t state;
    int32_t calls;
    bool operator==(const Item&) const = default;
  };
  /// Where a call returns to, and the calls above it.
  struct Call {
    int32_t to;
    int32_t above;
    int64_t depth = 0;
  };

  explicit Machine(const Automaton& automaton, size_t most_bytes = kMaxBytes);

  /// `state` alone, nothing read.
  SetId start(int32_t state);
  SetId step(SetId set, uint8_t byte) {
    const SetId next = steps_[static_cast<size_t>(set) * width_ + automaton_.byte_class(byte)];
    return next >= 0 ? next : make_step(set, byte);
  }
  /// Whether the rule that the set began in may end here.
  bool returns(SetId set) const { return sets_[set].returns; }
  /// Whether any byte may follow within the rule that the set began in.
  bool goes_on(SetId set) const { return sets_[set].goes_on; }
  std::span<const Item> items(SetId set) const { return sets_[set].items; }
  Call call(int32_t calls) const { return calls_[calls]; }

  /// Sets with more items, or reached by more calls at once, are dead, and overflowed() from then
  /// on: the number of readings of an ambiguous text can double with each byte.
  static constexpr size_t kMaxItems = 8192;
  static constexpr size_t kMaxCalls = 1024;
  bool overflowed() const { return overflowed_ || out_of_memory_; }

  /// Memory in use, roughly; past `most_bytes` new sets are dead, and the machine is
  /// out_of_memory() until clear().
  size_t bytes() const { return bytes_; }
  size_t most_bytes() const { return most_bytes_; }
  bool out_of_memory() const { return out_of_memory_; }
  /// The longest chain of calls ever made, also before clear().
  int64_t deepest() const { return deepest_; }
  static constexpr size_t kMaxBytes = size_t{64} << 20;
  void clear();

 private:
  struct Set {
    std::vector<Item> items;    // just behind the last byte
    std::vector<Item> readers;  // those reached from them for nothing that read bytes
    bool returns = false;
    bool goes_on = false;
  };

  SetId make_step(SetId set, uint8_t byte);
  SetId intern(std::vector<Item> items);
  bool close(Set& set);
  int32_t push(int32_t to, int32_t above);
  bool visit(const Item& item);

  const Automaton& automaton_;
  const size_t width_;
  const size_t most_bytes_;
  std::vector<Set> sets_;
  std::vector<SetId> steps_;  // [sets, width]; -1: not made yet
  std::unordered_multimap<uint64_t, SetId> by_hash_;
  std::unordered_map<int32_t, SetId> starts_;
  std::vector<Call> calls_;
  std::unordered_map<uint64_t, int32_t> call_ids_;
  std::unordered_map<uint64_t, uint32_t> visited_;  // item to the closure that saw it
  uint32_t closure_ = 0;
  size_t bytes_ = 0;
  int64_t deepest_ = 0;
  bool overflowed_ = false;
  bool out_of_memory_ = false;
};

}  // namespace verge::text::grammar
