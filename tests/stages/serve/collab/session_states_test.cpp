#include <set>

#include <gtest/gtest.h>

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
