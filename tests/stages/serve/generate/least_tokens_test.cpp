#include <gtest/gtest.h>

#include <verge/stages/serve/generate/least_tokens.hpp>

namespace verge::serve {
namespace {

// Allows what it is told to, always.
class Fixed : public text::TokenConstraint {
 public:
  explicit Fixed(uint64_t bits) : bits_(bits) {}
  void mask(std::span<uint64_t> bits) override { bits[0] = bits_; }
  void accept(int32_t) override {}
  bool is_complete() const override { return true; }
  std::unique_ptr<TokenConstraint> clone() const override { return std::make_unique<Fixed>(bits_); }

 private:
  uint64_t bits_;
};

uint64_t mask_of(text::TokenConstraint& constraint) {
  uint64_t bits = 0;
  constraint.mask({&bits, 1});
  return bits;
}

TEST(LeastTokens, NothingEndsAnAnswerBefore) {
  const auto constraint = least_tokens(2, {1, 3}, nullptr);
  EXPECT_EQ(mask_of(*constraint), ~uint64_t{0b1010});
  EXPECT_FALSE(constraint->is_complete());
  constraint->accept(0);
  const auto copy = constraint->clone();
  constraint->accept(0);
  EXPECT_EQ(mask_of(*constraint), ~uint64_t{0});
  EXPECT_TRUE(constraint->is_complete());
  EXPECT_EQ(mask_of(*copy), ~uint64_t{0b1010});
}

TEST(LeastTokens, AnotherConstraintHoldsBeside) {
  const auto constraint = least_tokens(1, {1}, std::make_unique<Fixed>(0b0110));
  EXPECT_EQ(mask_of(*constraint), 0b0100u);
  constraint->accept(2);
  EXPECT_EQ(mask_of(*constraint), 0b0110u);
}

TEST(LeastTokens, WhatLeavesNoOtherWayMayEnd) {
  const auto constraint = least_tokens(5, {1}, std::make_unique<Fixed>(0b0010));
  EXPECT_EQ(mask_of(*constraint), 0b0010u);
}

}  // namespace
}  // namespace verge::serve
