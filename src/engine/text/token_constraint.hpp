#pragma once
// TokenConstraint: what an answer may look like, asked token by token while it is drawn.
//
//   while (...) {
//     VERGE_TRY(int32_t token, sampler.sample(logits, &constraint));
//     constraint.accept(token);
//   }

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace verge::text {

/// The state of one answer: not shared between threads. Deterministic: the same accepted tokens
/// give the same masks.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  /// Writes all of `bits`, a bit for each token (bit t of word t / 64): 1 if the answer may go on
  /// with the token. A token that ends a generation has its bit if and only if is_complete().
  virtual void mask(std::span<uint64_t> bits) = 0;

  /// The answer goes on with `token`. After one that its mask forbids, nothing is allowed any more.
  /// A token that ends a generation changes nothing.
  virtual void accept(int32_t token) = 0;

  /// Whether the answer may end here.
  virtual bool is_complete() const = 0;

  /// Whether the answer must end here: complete, and no text may follow.
  virtual bool is_finished() const { return false; }

  /// The same state, going its own way from here: cheap, for speculation.
  virtual std::unique_ptr<TokenConstraint> clone() const = 0;

  /// What it is, and what is wrong with it if it allows nothing; for errors.
  virtual std::string describe() const { return "the constraint"; }
};

}  // namespace verge::text
