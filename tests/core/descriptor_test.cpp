#include <cerrno>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/descriptor.hpp>

#include "temporary_folder.hpp"

namespace verge {
namespace {

TEST(Descriptor, ClosesOnceHoweverOftenItMoves) {
  const test::TemporaryFolder folder;
  int number = -1;
  {
    auto opened = open_to_read(folder.add("a", "12345"));
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->bytes, 5);
    number = opened->descriptor.number();
    Descriptor moved = std::move(opened->descriptor);
    EXPECT_FALSE(opened->descriptor.is_open());
    EXPECT_EQ(moved.number(), number);
    EXPECT_NE(::fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(Descriptor, AReleasedOneStaysOpen) {
  Descriptor descriptor(::dup(0));
  const int number = descriptor.release();
  EXPECT_FALSE(descriptor.is_open());
  EXPECT_EQ(::close(number), 0);
}

TEST(Descriptor, OpensOnlyRegularFiles) {
  const test::TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(open_to_read(pipe).error().message.find("device or a pipe"), std::string::npos);
  EXPECT_NE(open_to_read(folder.path()).error().message.find("is a folder"), std::string::npos);
  EXPECT_EQ(open_to_read(folder / "none").error().code, Code::NotFound);
}

TEST(Descriptor, ErrorsSayWhatToDo) {
  EXPECT_EQ(system_error("a", "read", ENOENT).code, Code::NotFound);
  for (int number : {ENOSPC, EDQUOT, EFBIG}) {
    EXPECT_EQ(system_error("a", "write", number).message,
              "a: disk full; free some space and try again");
  }
  for (int number : {EACCES, EPERM, EROFS}) {
    EXPECT_EQ(system_error("a", "write", number).message,
              "a: permission denied to write; check its owner and rights");
  }
  EXPECT_EQ(system_error("a", "read", EIO).message, "a: cannot read: Input/output error");
}

}  // namespace
}  // namespace verge
