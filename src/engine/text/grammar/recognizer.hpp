#pragma once
// Recognizer: where a text stands in a grammar, moved on by bytes. A Position is a value: copying
// it forks the text at no cost.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <verge/engine/text/grammar/machine.hpp>

namespace verge::text::grammar {

/// A call that a text has to return from, and those around it; shared, never changed. Chains are
/// long (kMaxDepth), so nothing here recurses.
struct Frame {
  int32_t to;  // the state behind the call
  std::shared_ptr<const Frame> above;
  uint64_t hash;  // of this and all above
  int64_t depth;  // 1: the outermost

  Frame(int32_t to, std::shared_ptr<const Frame> above);
  Frame(const Frame&) = delete;
  ~Frame();
};
using FramePtr = std::shared_ptr<const Frame>;

struct Thread {
  int32_t state;
  FramePtr frame;  // null: in the root rule
};

/// All ways in which the text so far can be read, in a fixed order. Equal for equal futures.
struct Position {
  std::vector<Thread> threads;
  bool complete = false;  // the text so far is whole
  uint64_t hash = 0;

  /// Whether any text begins like this.
  bool alive() const { return complete || !threads.empty(); }
  /// Whether the text is whole, and no byte can follow.
  bool is_finished() const { return complete && threads.empty(); }
  bool operator==(const Position& other) const;
};

/// Keeps a reference to the automaton; one thread at a time.
class Recognizer {
 public:
  explicit Recognizer(const Automaton& automaton, size_t machine_bytes = Machine::kMaxBytes)
      : automaton_(automaton), machine_(automaton, machine_bytes) {}

  Position begin();
  Position advance(Position position, std::string_view bytes);
  /// The same; nothing, and overflowed() as it was, where advance() gives the text up.
  std::optional<Position> try_advance(Position position, std::string_view bytes);

  /// The text has more readings than are followed, or nests deeper, and was given up.
  bool overflowed() const { return overflowed_ || machine_.overflowed(); }
  Machine& machine() { return machine_; }
  const Machine& machine() const { return machine_; }

  static constexpr size_t kMaxThreads = 2048;
  static constexpr int64_t kMaxDepth = 10000;  // frames

 private:
  class Run;
  const Automaton& automaton_;
  Machine machine_;
  bool overflowed_ = false;
};

/// Whether `text` is a whole text, or the beginning of one.
bool matches(const Automaton& automaton, std::string_view text);
bool matches_prefix(const Automaton& automaton, std::string_view text);

}  // namespace verge::text::grammar
