#include <algorithm>

#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/prefix_cache.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kPageTokens = 4;

class Prefixes : public testing::Test {
 protected:
  // As a sequence would: pages of its own for the tokens.
  std::vector<int32_t> allocate(size_t count) {
    std::vector<int32_t> pages;
    for (size_t i = 0; i < count; ++i) pages.push_back(*pool_.allocate());
    return pages;
  }

  void release(std::span<const int32_t> pages) {
    for (const int32_t page : pages) pool_.release(page);
  }

  std::vector<uint64_t> hashes(std::span<const int32_t> tokens, uint64_t seed = 0) {
    return page_hashes(tokens, kPageTokens, seed);
  }

  std::vector<int32_t> keep(std::span<const int32_t> tokens, uint64_t seed = 0) {
    const auto pages = allocate(tokens.size() / kPageTokens);
    cache_.add(tokens, hashes(tokens, seed), pages);
    return pages;
  }

  std::vector<int32_t> find(std::span<const int32_t> tokens, uint64_t seed = 0) {
    return cache_.find(tokens, hashes(tokens, seed));
  }

  runtime::KvPool pool_{16};
  PrefixCache cache_{pool_, kPageTokens};
  const std::vector<int32_t> a_ = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<int32_t> b_ = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99};
};

TEST_F(Prefixes, TheLongestCommonBeginningIsFound) {
  const auto pages = keep(a_);
  EXPECT_EQ(find(a_), pages);
  EXPECT_EQ(find(b_), std::vector(pages.begin(), pages.begin() + 2));
  EXPECT_TRUE(find(std::span(a_).subspan(4)).empty());  // the same tokens elsewhere
  EXPECT_TRUE(find(a_, 1).empty());                     // another adapter
  EXPECT_TRUE(find(std::span(a_).first(3)).empty());    // no full page
  release(pages);
}

TEST_F(Prefixes, PagesOutliveTheirRequestUntilTheyAreNeeded) {
  const auto pages = keep(a_);
  EXPECT_EQ(cache_.idle_pages(), 0);
  EXPECT_EQ(cache_.evict(16), 0);
  release(pages);
  EXPECT_EQ(cache_.idle_pages(), 3);
  EXPECT_EQ(pool_.free_pages(), 13);
  EXPECT_EQ(cache_.evict(2), 2);
  EXPECT_EQ(find(a_), std::vector{pages[0]});  // the end went first
  EXPECT_EQ(cache_.evict(16), 1);
  EXPECT_EQ(pool_.free_pages(), 16);
}

TEST_F(Prefixes, TheLeastRecentlyUsedGoesFirst) {
  const std::vector<int32_t> c = {50, 51, 52, 53};
  const auto old_pages = keep(a_);
  const auto new_pages = keep(c);
  release(old_pages);
  release(new_pages);
  find(std::span(a_).first(8));  // its first two pages are used again
  EXPECT_EQ(cache_.evict(2), 2);
  EXPECT_EQ(find(a_).size(), 2u);
  EXPECT_TRUE(find(c).empty());
}

TEST_F(Prefixes, WhatIsKnownStaysAndTheOtherIsNotKept) {
  const auto first = keep(a_);
  const auto second = keep(a_);
  EXPECT_EQ(find(a_), first);
  release(second);
  EXPECT_EQ(pool_.free_pages(), 13);  // none of the second's was kept
  // Nor what follows it: pages that hang on another's would outlive them.
  std::vector<int32_t> longer = a_;
  longer.insert(longer.end(), {13, 14, 15, 16});
  const auto third = keep(longer);
  EXPECT_EQ(find(longer), first);
  release(first);
  release(third);
}

TEST_F(Prefixes, EqualHashesOfOtherTokensAreToldApart) {
  const auto pages = keep(a_);
  const auto forged = hashes(a_);
  EXPECT_EQ(cache_.find(b_, forged).size(), 2u);  // the third page has the hash, not the tokens
  const auto own = allocate(3);
  cache_.add(b_, forged, std::vector{pages[0], pages[1], own[2]});
  EXPECT_EQ(cache_.find(b_, forged), (std::vector{pages[0], pages[1], own[2]}));
  EXPECT_EQ(cache_.find(a_, forged), pages);
  release(pages);
  release(own);
}

TEST_F(Prefixes, GivesAllBackAtItsEnd) {
  {
    PrefixCache cache(pool_, kPageTokens);
    const auto pages = allocate(3);
    cache.add(a_, hashes(a_), pages);
    release(pages);
  }
  EXPECT_EQ(pool_.free_pages(), 16);
}

}  // namespace
}  // namespace verge::serve
