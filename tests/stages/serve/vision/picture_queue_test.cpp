#include <atomic>

#include <gtest/gtest.h>

#include <verge/stages/serve/vision/picture_queue.hpp>

namespace verge::serve {
namespace {

std::vector<std::string> numbered(int count) {
  std::vector<std::string> files;
  for (int i = 0; i < count; ++i) files.push_back(std::to_string(i));
  return files;
}

Result<PreparedPicture> named(const std::string& path) {
  PreparedPicture picture;
  picture.path = path;
  return picture;
}

TEST(PictureQueue, GivesAllInTheirOrder) {
  for (const int threads : {1, 4}) {
    PictureQueue queue(numbered(200), threads, 3, named);
    for (int i = 0; i < 200; ++i) {
      const auto next = queue.next();
      ASSERT_TRUE(next && *next);
      EXPECT_EQ((*next)->path, std::to_string(i));
    }
    EXPECT_FALSE(queue.next());
  }
}

TEST(PictureQueue, HoldsNoMoreThanItMay) {
  std::atomic<int> started = 0, taken = 0, most = 0;
  PictureQueue queue(numbered(100), 4, 5, [&](const std::string& path) {
    const int held = ++started - taken;
    for (int known = most; held > known && !most.compare_exchange_weak(known, held);) {
    }
    return named(path);
  });
  while (queue.next()) ++taken;
  EXPECT_EQ(started, 100);
  EXPECT_LE(most, 5 + 1);  // the one that was just handed over is counted a moment later
}

TEST(PictureQueue, ErrorsAndExceptionsTakeTheirPlace) {
  PictureQueue queue(numbered(4), 2, 2, [](const std::string& path) -> Result<PreparedPicture> {
    if (path == "1") return make_error(Code::Malformed, "damaged");
    if (path == "2") throw std::bad_alloc();
    return named(path);
  });
  EXPECT_TRUE(*queue.next());
  EXPECT_EQ(queue.next()->error().message, "damaged");
  EXPECT_EQ(queue.next()->error().code, Code::OutOfMemory);
  EXPECT_TRUE(*queue.next());
  EXPECT_FALSE(queue.next());
}

TEST(PictureQueue, CanBeLeftEarly) {
  PictureQueue queue(numbered(1000), 3, 4, named);
  EXPECT_TRUE(*queue.next());
}

TEST(PictureQueue, OfNothingIsOver) {
  PictureQueue queue({}, 2, 2, named);
  EXPECT_FALSE(queue.next());
}

}  // namespace
}  // namespace verge::serve
