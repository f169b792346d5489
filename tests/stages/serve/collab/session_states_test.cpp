#include <set>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/session_states.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kRowWidth = 2;
constexpr int64_t kPositions = 24;

// What a row of a position must be, however often it comes.
std::vector<float> rows_of(int64_t from, int64_t to) {
  std::vector<float> rows;
  for (int64_t position = from; position < to; ++position) {
    rows.push_back(static_cast<float>(position));
    rows.push_back(static_cast<float>(-position));
  }
  return rows;
}

// Beside the books, a set of positions and a number.
struct Twin {
  SessionStates books{kRowWidth};
  std::set<int64_t> there = {};
  int64_t done = 0;

  int64_t ready() const {
    int64_t end = done;
    while (there.contains(end)) ++end;
    return end;
  }

  void add(int64_t from, int64_t to) {
    books.add(from, rows_of(from, to), 0);
    for (int64_t p = std::max(from, done); p < to; ++p) there.insert(p);
  }
  void advance(int64_t to) {
    books.advance(to);
    done = to;
    std::erase_if(there, [to](int64_t p) { return p < to; });
  }
  void rewind(int64_t to) {
    books.rewind(to);
    done = to;
  }
  void enter_branch(int64_t from) {
    EXPECT_TRUE(books.enter_branch(books.branch() + 1, from));
    std::erase_if(there, [from](int64_t p) { return p >= from; });
    done = std::min(done, from);
  }
  void drop() {
    books.drop();
    there.clear();
  }

  void expect_alike() const {
    ASSERT_EQ(books.done(), done);
    ASSERT_EQ(books.ready(), ready());
    ASSERT_EQ(books.bytes(), static_cast<int64_t>(there.size()) * kRowWidth * 4);
    EXPECT_EQ(books.copy(done, ready()), rows_of(done, ready()));
    const auto gap = books.missing(kPositions);
    ASSERT_EQ(gap.has_value(), ready() < kPositions);
    if (!gap) return;
    EXPECT_EQ(gap->from, ready());
    for (int64_t p = gap->from; p < gap->to; ++p) EXPECT_FALSE(there.contains(p)) << p;
    EXPECT_TRUE(gap->to == kPositions || there.contains(gap->to)) << gap->to;
  }
};

TEST(SessionStates, OnlyTheNewestBranchCounts) {
  SessionStates books(kRowWidth);
  books.add(0, rows_of(0, 8), 0);
  books.advance(6);
  EXPECT_TRUE(books.enter_branch(0, 0));
  EXPECT_EQ(books.ready(), 8);
  EXPECT_TRUE(books.enter_branch(3, 5));
  EXPECT_EQ(books.done(), 5);
  EXPECT_EQ(books.ready(), 5);
  EXPECT_FALSE(books.enter_branch(2, 0));
  EXPECT_TRUE(books.enter_branch(3, 0));  // it has begun already
  EXPECT_EQ(books.done(), 5);
  EXPECT_EQ(books.branch(), 3);
}

TEST(SessionStates, AreThoseOfASetOfPositions) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    const auto below = [&rng](int64_t bound) {
      return static_cast<int64_t>(rng.below(static_cast<uint32_t>(bound)));
    };
    Twin twin;
    for (int i = 0; i < 100; ++i) {
      const int64_t from = below(kPositions);
      switch (below(8)) {
        case 0:
          twin.rewind(below(twin.done + 1));
          break;
        case 1:
          twin.advance(twin.done + below(twin.ready() - twin.done + 1));
          break;
        case 2:
          if (below(4) == 0) twin.drop();
          break;
        case 3:
          twin.enter_branch(from);
          break;
        default:
          twin.add(from, from + 1 + below(kPositions - from));
      }
      twin.expect_alike();
    }
  }
}

TEST(SessionStates, TheFirstThatComesIsKept) {
  SessionStates states(1);
  const std::vector<float> one = {1}, two = {2};
  states.add(0, one, 5);
  states.add(0, two, 7);
  EXPECT_EQ(states.copy(0, 1), one);
  EXPECT_EQ(states.prompt_end(0), 5);
}

TEST(SessionStates, PromptsAndDecodedTokensAreToldApart) {
  SessionStates states(1);
  const std::vector<float> two = {0, 1}, three = {0, 1, 2};
  states.add(0, two, 2);
  states.add(2, three, 0);
  states.add(5, two, 7);
  EXPECT_EQ(states.same_end(0), 2);
  EXPECT_EQ(states.same_end(1), 2);
  EXPECT_EQ(states.same_end(2), 5);
  EXPECT_EQ(states.same_end(6), 7);
}

// Where states can be put aside, those of positions that are done are kept: nothing that is
// computed again needs to be sent again.
TEST(SessionStates, WhatIsComputedAgainIsStillThere) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path(), 1 << 20);
  SessionStates states(1, {&room, "f32"});
  const std::vector<float> four = {0, 1, 2, 3};
  states.add(0, four, 4);
  states.advance(4);
  states.rewind(2);
  EXPECT_EQ(states.done(), 2);
  EXPECT_EQ(states.ready(), 4);
  EXPECT_EQ(states.copy(2, 4), (std::vector<float>{2, 3}));
  ASSERT_TRUE(states.put_aside(4).ok());
  states.advance(2);
  states.rewind(1);
  EXPECT_EQ(states.ready(), 1);
  EXPECT_EQ(states.held(), 4);
  ASSERT_TRUE(states.bring_back(4).ok());
  EXPECT_EQ(states.copy(1, 4), (std::vector<float>{1, 2, 3}));
}

TEST(SessionStates, AGapEndsBeforeWhatWasPutAside) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path(), 1 << 20);
  SessionStates states(1, {&room, "f32"});
  const std::vector<float> two = {0, 1};
  states.add(3, two, 0);
  ASSERT_TRUE(states.put_aside(5).ok());
  EXPECT_EQ(states.missing(9), (PositionRange{0, 3}));
  EXPECT_EQ(states.held(), 0);  // nothing that could be computed is aside
  const std::vector<float> three = {0, 1, 2};
  states.add(0, three, 0);
  EXPECT_EQ(states.ready(), 3);
  EXPECT_EQ(states.missing(9), (PositionRange{5, 9}));
}

TEST(SessionStates, OfPositionsThatAreDoneNothingIsKept) {
  SessionStates states(1);
  const std::vector<float> three = {0, 1, 2};
  states.add(0, three, 3);
  states.advance(2);
  states.add(0, three, 0);
  EXPECT_EQ(states.positions(), 1);
  EXPECT_EQ(states.prompt_end(2), 3);
}

}  // namespace
}  // namespace verge::serve
