#pragma once
// Run: the limits of one parse or rendering, and the place it has reached. A hostile template ends
// with a TemplateError at that place instead of taking the machine's memory, stack or time.
//
// Inside jinja/ errors are thrown, since they end deep recursions; ChatTemplate turns them into
// Result at its boundary, and nothing else of Verge sees them.

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace verge::text::jinja {

/// Both from 1; the column counts bytes.
struct Position {
  int line = 1;
  int column = 1;
};

struct TemplateError : std::exception {
  TemplateError(Position at, std::string message) : at(at), message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }
  Position at;
  std::string message;
};

struct Limits {
  int64_t max_steps = 2'000'000;           // expressions, statements, loop rounds, items visited
  int64_t max_bytes = int64_t{256} << 20;  // of all strings and lists ever made
  int64_t max_output_bytes = int64_t{32} << 20;
  int max_depth = 400;  // of nested evaluation; about 1 KB of stack each
};

/// Deepest list or dict, syntax tree and nested blocks: bounds the recursion of destructors.
constexpr int kMaxNesting = 200;

class Run {
 public:
  explicit Run(const Limits& limits) : limits_(limits) {}

  /// Where the template stands; errors carry it.
  Position at;

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw TemplateError(at, fmt::format(format, std::forward<Args>(args)...));
  }
  /// Counts work done; fails past max_steps.
  void step(int64_t count = 1) {
    if ((steps_ += count) > limits_.max_steps) {
      fail("the template takes more than {} steps; it may never end", limits_.max_steps);
    }
  }
  /// Counts bytes made; call it before making them. Fails past max_bytes.
  void bytes(int64_t count) {
    if (count > limits_.max_bytes || (bytes_ += count) > limits_.max_bytes) {
      fail("the template makes more than {} bytes of text and lists", limits_.max_bytes);
    }
  }
  void output(int64_t total) const {
    if (total > limits_.max_output_bytes) {
      fail("the template writes more than {} bytes", limits_.max_output_bytes);
    }
  }

  /// Held while something nested is evaluated.
  class Nested {
   public:
    explicit Nested(Run& run) : run_(run) {
      if (run_.depth_ >= run_.limits_.max_depth) {
        run_.fail("the template nests deeper than {} calls", run_.limits_.max_depth);
      }
      ++run_.depth_;
    }
    ~Nested() { --run_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Run& run_;
  };

 private:
  Limits limits_;
  int64_t steps_ = 0;
  int64_t bytes_ = 0;
  int depth_ = 0;
};

}  // namespace verge::text::jinja
