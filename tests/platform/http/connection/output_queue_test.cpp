#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/platform/http/connection/output_queue.hpp>

namespace verge::http {
namespace {

std::string taken(OutputQueue& queue, size_t most) {
  std::string bytes;
  for (const std::string_view part : queue.next(most)) bytes += part;
  queue.written();
  return bytes;
}

TEST(OutputQueue, SmallBytesAreJoined) {
  OutputQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.tail() += "ab";
  queue.append("cd");
  queue.append_fixed("ef");
  EXPECT_EQ(queue.bytes(), 6u);
  EXPECT_EQ(queue.next(100).size(), 1u);
  EXPECT_EQ(queue.next(100)[0], "abcdef");
  queue.written();
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.next(100).empty());
}

TEST(OutputQueue, LargeBytesAreNotCopied) {
  OutputQueue queue;
  const std::string fixed(100'000, 'f');
  std::string own(100'000, 'o');
  const char* const address = own.data();
  queue.append(std::move(own));
  queue.append_fixed(fixed);
  const auto parts = queue.next(1 << 20);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].data(), address);
  EXPECT_EQ(parts[1].data(), fixed.data());
}

TEST(OutputQueue, WhatIsBeingWrittenStaysInPlace) {
  OutputQueue queue;
  queue.tail() += "short";
  const std::string_view view = queue.next(100)[0];
  for (int i = 0; i < 100; ++i) {
    queue.append(std::string(20'000, 'x'));
    queue.tail() += "y";
  }
  EXPECT_EQ(view, "short");
  queue.written();
  EXPECT_EQ(queue.bytes(), 100u * 20'001);
}

TEST(OutputQueue, AnySequenceComesOutWhole) {
  Rng rng(1);
  const std::string fixed(40'000, 'z');
  OutputQueue queue;
  std::string expected, actual;
  for (int i = 0; i < 2000; ++i) {
    const size_t size = rng.below(8) == 0 ? rng.below(40'000) : rng.below(20);
    const std::string bytes(size, static_cast<char>('a' + i % 26));
    const uint32_t kind = rng.below(3);
    expected += kind == 2 ? fixed.substr(0, size) : bytes;
    if (kind == 0) queue.tail() += bytes;
    if (kind == 1) queue.append(bytes);
    if (kind == 2) queue.append_fixed(std::string_view(fixed).substr(0, size));
    if (rng.below(3) == 0) actual += taken(queue, 1 + rng.below(70'000));
    ASSERT_EQ(queue.bytes(), expected.size() - actual.size());
  }
  while (!queue.empty()) actual += taken(queue, 65'536);
  EXPECT_EQ(actual, expected);
}

}  // namespace
}  // namespace verge::http
