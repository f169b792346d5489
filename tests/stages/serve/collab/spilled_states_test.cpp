#include <map>

#include <gtest/gtest.h>
#include <small_disk.hpp>
#include <temporary_folder.hpp>

#include <verge/core/rng.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/session_states.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kSpillWidth = 64;

std::vector<float> random_rows(Rng& rng, int64_t count) {
  std::vector<float> rows(static_cast<size_t>(count * kSpillWidth));
  for (float& value : rows) value = static_cast<float>(rng.below(2001)) / 1000 - 1;
  return rows;
}

// What is there by position, rows and the end of their prompt.
using Rows = std::map<int64_t, std::pair<std::vector<float>, int64_t>>;

Rows restored(const SpilledStates& states, int64_t from = 0, int64_t to = 1000) {
  Rows rows;
  const auto visit = [&](int64_t position, std::span<const float> row, int64_t prompt_end) {
    const bool is_new =
        rows.try_emplace(position, std::vector(row.begin(), row.end()), prompt_end).second;
    EXPECT_TRUE(is_new) << position;
  };
  const Status status = states.restore(from, to, visit);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return rows;
}

TEST(SpilledStates, AreWhatWasPutThereLast) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path());
  Rng rng(3);
  SpilledStates states({&room, "f32"}, kSpillWidth);
  Rows expected;
  for (int i = 0; i < 200; ++i) {
    const auto position = static_cast<int64_t>(rng.below(40));
    if (rng.below(8) == 0) {
      states.forget(position);
      expected.erase(expected.lower_bound(position), expected.end());
    } else {
      const auto count = static_cast<int64_t>(1 + rng.below(6));
      const auto rows = random_rows(rng, count);
      ASSERT_TRUE(states.put(position, rows, i).ok());
      for (int64_t k = 0; k < count; ++k) {
        const auto begin = rows.begin() + k * kSpillWidth;
        expected[position + k] = {{begin, begin + kSpillWidth}, i};
      }
    }
    ASSERT_EQ(restored(states), expected);
    for (int64_t p = 0; p < 50; ++p) ASSERT_EQ(states.has(p), expected.contains(p));
  }
  const Rows some = restored(states, 5, 20);
  EXPECT_EQ(some, Rows(expected.lower_bound(5), expected.lower_bound(20)));
  states.forget(0);
  EXPECT_EQ(room.bytes(), 0);
}

TEST(SpilledStates, TakeTheRoomOfTheirCodec) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path());
  Rng rng(4);
  const auto rows = random_rows(rng, 10);
  std::map<std::string, double> errors;
  for (const char* codec : {"f32", "f16", "int8"}) {
    SpilledStates states({&room, codec}, kSpillWidth);
    ASSERT_TRUE(states.put(0, rows, 0).ok());
    EXPECT_EQ(states.bytes(), *net::packed_bytes(codec, {10, kSpillWidth}));
    std::vector<float> back;
    for (const auto& [position, row] : restored(states)) {
      back.insert(back.end(), row.first.begin(), row.first.end());
    }
    errors[codec] = net::relative_rms_error(rows, back);
  }
  EXPECT_EQ(errors["f32"], 0);
  EXPECT_LT(errors["f16"], 0.001);
  EXPECT_LT(errors["int8"], 0.02);
  SpilledStates states({&room, "f16"}, kSpillWidth);
  auto large = rows;
  large[7] = 1e6f;  // beyond f16
  ASSERT_TRUE(states.put(0, large, 0).ok());
  EXPECT_EQ(restored(states)[0].first[7], 1e6f);
}

TEST(SpilledStates, LoseNothingOfStatesThatCameInTheirCodec) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path());
  Rng rng(6);
  const auto came = net::unpack(*net::pack("f16", random_rows(rng, 10), {10, kSpillWidth}), 1000);
  ASSERT_TRUE(came.ok());
  SpilledStates states({&room, "f16"}, kSpillWidth);
  ASSERT_TRUE(states.put(0, *came, 0).ok());
  std::vector<float> back;
  for (const auto& [position, row] : restored(states)) {
    back.insert(back.end(), row.first.begin(), row.first.end());
  }
  EXPECT_EQ(back, *came);
}

TEST(SpilledStates, AreGoneWhenTheDiskIsFull) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path());
  Rng rng(5);
  SpilledStates states({&room, "f32"}, kSpillWidth);
  ASSERT_TRUE(states.put(0, random_rows(rng, 4), 0).ok());
  const test::SmallDisk full(1500);
  EXPECT_EQ(states.put(4, random_rows(rng, 4), 0).error().code, Code::Io);
  EXPECT_FALSE(states.has(0));
  EXPECT_EQ(room.bytes(), 0);
}

// Beside states that nothing is ever put aside of: the same is ready, missing and there, once what
// is aside has come back.
TEST(SpilledStates, ChangeNothingOfASession) {
  const test::TemporaryFolder folder;
  constexpr int64_t kMost = 60;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Rng rng(seed);
    SpillRoom room(0, folder.path());
    const auto text = random_rows(rng, kMost);
    const auto rows = [&](int64_t from, int64_t to) {
      return std::span(text).subspan(static_cast<size_t>(from * kSpillWidth),
                                     static_cast<size_t>((to - from) * kSpillWidth));
    };
    const auto below = [&](int64_t bound) {
      return static_cast<int64_t>(rng.below(static_cast<uint32_t>(bound)));
    };
    SpillRoom unused(0, folder.path());
    SessionStates moved(kSpillWidth, {&room, "f32"}), stays(kSpillWidth, {&unused, "f32"});
    for (int i = 0; i < 300; ++i) {
      const int64_t from = below(kMost), to = std::min(kMost, from + 1 + below(8));
      const int64_t ready = stays.ready();
      for (SessionStates* states : {&moved, &stays}) {
        if (i % 4 != 3) states->add(from, rows(from, to), from < 20 ? 20 : 0);
      }
      if (below(4) == 0) {
        ASSERT_TRUE(moved.put_aside(below(2) == 0 ? moved.done() : kMost).ok());
      }
      ASSERT_EQ(moved.held(), stays.ready());
      ASSERT_EQ(moved.missing(kMost), stays.missing(kMost));
      if (below(3) != 0) continue;
      ASSERT_TRUE(moved.bring_back(kMost).ok());
      ASSERT_EQ(moved.ready(), stays.ready());
      ASSERT_EQ(moved.missing(kMost), stays.missing(kMost));
      ASSERT_EQ(moved.copy(moved.done(), moved.ready()), stays.copy(stays.done(), stays.ready()));
      const int64_t kind = below(10), back = below(stays.done() + 1);
      for (SessionStates* states : {&moved, &stays}) {
        if (kind < 6) states->advance(std::max(states->done(), ready));
        if (kind == 6) states->restart();
        if (kind == 7) states->rewind(back);
      }
    }
  }
}

}  // namespace
}  // namespace verge::serve
