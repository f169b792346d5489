#pragma once
// Automaton: rules compiled to states that read bytes. A push-down automaton as a network of small
// ones, one a rule (Woods 1970, recursive transition networks): an edge reads a byte, calls a rule
// and goes on behind it, or costs nothing.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

constexpr int32_t kMaxStates = 200000;

/// Immutable once compiled: threads may share it.
class Automaton {
 public:
  struct ByteEdge {
    ByteRange bytes;
    int32_t to;
  };
  struct CallEdge {
    int32_t start;  // of the called rule
    int32_t to;
  };

  /// The language of `root`. Every state that is left can reach an end, so that a prefix it reads
  /// is the beginning of a whole text. Unsupported: left recursion, naming the rules, or more than
  /// kMaxStates. Malformed: no text at all, or no finite one, follows the rules.
  static Result<Automaton> compile(const Rules& rules, int32_t root);

  int32_t start() const { return start_; }
  int32_t size() const { return static_cast<int32_t>(ends_.size()); }
  /// Whether the rule that `state` is in ends here. Such a state has no edges.
  bool is_end(int32_t state) const { return ends_[state] != 0; }
  std::span<const ByteEdge> bytes(int32_t state) const { return row(bytes_, byte_rows_, state); }
  std::span<const CallEdge> calls(int32_t state) const { return row(calls_, call_rows_, state); }
  std::span<const int32_t> skips(int32_t state) const { return row(skips_, skip_rows_, state); }

  /// Bytes that no edge tells apart have one class.
  uint8_t byte_class(uint8_t byte) const { return classes_[byte]; }
  int32_t byte_classes() const { return class_count_; }
  size_t memory_bytes() const;

 private:
  friend class AutomatonBuilder;
  Automaton() = default;
  template <typename T>
  static std::span<const T> row(const std::vector<T>& edges, const std::vector<int32_t>& rows,
                                int32_t state) {
    return std::span(edges).subspan(rows[state], rows[state + 1] - rows[state]);
  }

  int32_t start_ = 0;
  std::vector<uint8_t> ends_;
  std::vector<ByteEdge> bytes_;
  std::vector<CallEdge> calls_;
  std::vector<int32_t> skips_;
  std::vector<int32_t> byte_rows_, call_rows_, skip_rows_;  // [size + 1]: edges by their state
  std::array<uint8_t, 256> classes_{};
  int32_t class_count_ = 1;
};

}  // namespace verge::text::grammar
