// The process has no memory left at any one moment of serving: the session that it was for begins
// again or is told so, the others go on, and nothing is lost for ever.

#include <cstdlib>
#include <new>

#include <sanitized.hpp>

#include "context_harness.hpp"

namespace {
// Allocations of this thread until one fails, and for how many more they do; negative: none does.
thread_local int64_t until_failure = -1;
thread_local int64_t failures = 0;

bool fails_now() {
  if (until_failure < 0) return false;
  if (until_failure > 0) {
    --until_failure;
    return false;
  }
  if (--failures <= 0) until_failure = -1;
  return true;
}
}  // namespace

// Not inlined: GCC would take free() in one for a mistake of the other.
[[gnu::noinline]] void* operator new(size_t bytes) {
  void* memory = fails_now() ? nullptr : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return fails_now() ? nullptr : std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace verge::serve {
namespace {

using namespace test_collab;

class OutOfMemoryTest : public ManagerFixture {
 protected:
  // One step whose allocations from the `first` on fail, `count` of them; false where there were
  // fewer.
  bool step_without_memory(int64_t first, int64_t count) {
    until_failure = first;
    failures = count;
    manager_->step();
    const bool has_failed = until_failure < 0 || failures < count;
    until_failure = -1;
    return has_failed;
  }
  // Plays a device until it has the token after `position`, as EdgeDriver does: it sends what it is
  // asked for, and asks again where the server is busy or has fallen silent.
  int32_t insist(RawDevice& device, int64_t position) {
    for (int tries = 0; tries < 50; ++tries) {
      const auto heard = device.hear_any(*manager_, 5);
      if (!heard || std::holds_alternative<BusyMessage>(*heard)) {
        clock_.advance(6);
        device.finish(position, 5);
      } else if (const auto* token = std::get_if<TokenMessage>(&*heard)) {
        if (token->position == position) return token->id;
      } else if (const auto* resume = std::get_if<ResumeMessage>(&*heard)) {
        device.send_states(resume->from, position + 1);
      } else if (const auto* nack = std::get_if<NackMessage>(&*heard)) {
        device.send_states(nack->from, nack->to);
      }
    }
    return -1;
  }
  void expect_all_is_counted() {
    const ContextSnapshot now = snapshot();
    EXPECT_EQ(now.waiting, 0);
    EXPECT_EQ(model_->decoder().pool.pages() - model_->decoder().pool.free_pages(), now.kv_pages);
  }
};

TEST_F(OutOfMemoryTest, AtAnyAllocationOfAStepNothingIsLost) {
  const int32_t expected = expected_after(14);
  start();
  int64_t first = 0;
  for (bool has_failed = true; has_failed; first += test::kSanitized ? 7 : 1) {
    restart();
    const auto one = device("1"), two = device("2");
    for (RawDevice* each : {&*one, &*two}) {
      each->send_states(0, 15);
      each->finish(14, 5);
    }
    has_failed = step_without_memory(first, 1 + first % 3);
    ASSERT_EQ(insist(*one, 14), expected) << "allocation " << first;
    ASSERT_EQ(insist(*two, 14), expected) << "allocation " << first;
    expect_all_is_counted();
  }
  EXPECT_GT(first, 50);
}

TEST_F(OutOfMemoryTest, PartsThatFailTogetherAreTriedByHalves) {
  start({.fills_prompts = false});
  std::vector<std::unique_ptr<RawDevice>> devices;
  for (int i = 0; i < 4; ++i) devices.push_back(device(std::to_string(i)));
  for (const auto& each : devices) {
    each->send_states(0, kPromptLength);
    each->finish(kPromptLength - 1);
  }
  // Pages that somebody else has taken stand for memory that is not there: three sessions' fit.
  const int64_t free_pages = model_->decoder().pool.free_pages();
  std::vector<runtime::Sequence> others;
  for (int64_t i = 0; i + 3 < free_pages; ++i) {
    others.emplace_back(model_->decoder());
    ASSERT_TRUE(others.back().reserve(1).ok());
  }
  manager_->step();
  EXPECT_EQ(snapshot().tokens, 3);
  EXPECT_EQ(snapshot().shed, 1);
  others.clear();
  const int32_t expected = expected_after(kPromptLength - 1);
  for (const auto& each : devices) EXPECT_EQ(insist(*each, kPromptLength - 1), expected);
  expect_all_is_counted();
}

TEST_F(OutOfMemoryTest, WhoFailsTwiceIsToldBusy) {
  start({.fills_prompts = false});
  const auto one = device();
  std::vector<runtime::Sequence> others;
  while (model_->decoder().pool.free_pages() > 0) {
    others.emplace_back(model_->decoder());
    ASSERT_TRUE(others.back().reserve(1).ok());
  }
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(one->hear<ResumeMessage>(*manager_), ResumeMessage{0});
  one->send_states(0, 14);
  const auto busy = one->hear<BusyMessage>(*manager_);
  ASSERT_TRUE(busy.has_value());
  EXPECT_EQ(busy->position, 13);
  EXPECT_GT(busy->retry_after_s, 0);
  EXPECT_EQ(snapshot().states_bytes, 0);
  others.clear();
  EXPECT_EQ(insist(*one, 13), expected_after(13));
  expect_all_is_counted();
}

}  // namespace
}  // namespace verge::serve
