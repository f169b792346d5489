#include <csignal>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/serve/api/access/usage_file.hpp>

namespace verge::serve::api {
namespace {

TEST(UsageFile, KeepsTheLastThatWasSaid) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "usage";
  const KeyUsage a{"a", 10, 1000}, b{"b", 20, 1000}, later{"a", 15, 1001};
  {
    const auto file = UsageFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(*(*file)->load(), std::vector<KeyUsage>{});
    EXPECT_TRUE((*file)->save(std::vector{a, b}, 1000));
    EXPECT_TRUE((*file)->save(std::vector{later}, 1001));
  }
  EXPECT_EQ(folder.entries(), 1u);
  const auto again = UsageFile::open(path);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*(*again)->load(), (std::vector{later, b}));
  EXPECT_TRUE((*again)->save({}, 1001 + 86400));
  EXPECT_EQ(*(*again)->load(), std::vector{later}) << "a day is refilled";
}

TEST(UsageFile, SurvivesAKill) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "usage";
  const int status = test::in_child([&] {
    const auto file = UsageFile::open(path);
    if (!file || !(*file)->save(std::vector{KeyUsage{"a", 10, 1000}}, 1000)) return 1;
    ::kill(::getpid(), SIGKILL);
    return 2;
  });
  EXPECT_EQ(status, 128 + SIGKILL);
  const auto file = UsageFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ((*file)->load()->at(0).tokens, 10);
}

TEST(UsageFile, WhatCannotBeIsNamedWithItsRemedy) {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& path) {
    const auto file = UsageFile::open(path);
    EXPECT_FALSE(file);
    return file ? Error{} : file.error();
  };
  const Error other = refused(folder.add("keys.json", std::string(4096, '{')));
  EXPECT_EQ(other.code, Code::Malformed);
  EXPECT_NE(other.message.find("keys.json"), std::string::npos);
  EXPECT_NE(refused("/nonexistent/usage").message.find("--usage"), std::string::npos);
}

}  // namespace
}  // namespace verge::serve::api
