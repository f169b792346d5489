#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <small_disk.hpp>
#include <temporary_folder.hpp>

#include <verge/platform/store/database.hpp>
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

Error refusal(const std::string& path) {
  const auto file = UsageFile::open(path);
  EXPECT_FALSE(file) << path;
  return file ? Error{} : file.error();
}

void expect_named(const Error& error, Code code, const std::string& path) {
  EXPECT_EQ(error.code, code) << error.message;
  EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("--usage"), std::string::npos) << error.message;
}

TEST(UsageFile, WhatCannotBeIsNamedWithItsRemedy) {
  const test::TemporaryFolder folder;
  const std::string text = folder.add("keys.json", std::string(4096, '{'));
  expect_named(refusal(text), Code::Malformed, text);
  EXPECT_NE(refusal("/nonexistent/usage").message.find("--usage"), std::string::npos);
  const std::string directory = folder / "directory";
  std::filesystem::create_directory(directory);
  EXPECT_NE(refusal(directory).message.find(directory), std::string::npos);
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(UsageFile, DatabasesOfOthersAreLeftAsTheyAre) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "store.db";
  for (const char* table : {"CREATE TABLE models(name TEXT)", "CREATE TABLE key_usage(id TEXT)"}) {
    std::filesystem::remove(path);
    ASSERT_TRUE(store::Database::open(path, store::Database::Mode::Create)->run(table));
    const std::string before = bytes_of(path);
    expect_named(refusal(path), Code::Malformed, path);
    if (std::string_view(table).find("models") == std::string::npos) continue;
    EXPECT_EQ(bytes_of(path), before);
  }
}

TEST(UsageFile, OneServerKeepsIt) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "usage";
  {
    const auto first = UsageFile::open(path);
    ASSERT_TRUE(first) << first.error().message;
    expect_named(refusal(path), Code::Conflict, path);
    EXPECT_NE(refusal(path).message.find("another server"), std::string::npos);
    EXPECT_TRUE((*first)->save(std::vector{KeyUsage{"a", 10, 1000}}, 1000));
  }
  const auto next = UsageFile::open(path);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ((*next)->load()->size(), 1u);
}

TEST(UsageFile, OneThatIsRemovedIsMadeAgainWithAllThatItHad) {
  const test::TemporaryFolder folder;
  const std::string inner = folder / "inner", path = inner + "/usage";
  const KeyUsage a{"a", 10, 1000}, b{"b", 20, 1000}, c{"c", 30, 1000};
  std::filesystem::create_directory(inner);
  {
    const auto file = UsageFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE((*file)->save(std::vector{a}, 1000));
    std::filesystem::remove(path);
    const Status made = (*file)->save(std::vector{b}, 1000);
    EXPECT_TRUE(made) << made.error().message;
    EXPECT_EQ(*(*file)->load(), (std::vector{a, b}));
    std::filesystem::remove_all(inner);
    const Status refused = (*file)->save(std::vector{c}, 1000);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(path), std::string::npos) << refused.error().message;
    std::filesystem::create_directory(inner);
    EXPECT_TRUE((*file)->save(std::vector{c}, 1000));
  }
  const auto next = UsageFile::open(path);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(*(*next)->load(), (std::vector{a, b, c}));
}

TEST(UsageFile, AFullDiskIsNamedAndMayBeOver) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "usage";
  const auto file = UsageFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  const KeyUsage kept{"a", 10, 1000}, lost{"b", 20, 1000};
  ASSERT_TRUE((*file)->save(std::vector{kept}, 1000));
  {
    const test::SmallDisk disk(1024);
    const Status status = (*file)->save(std::vector{lost}, 1000);
    ASSERT_FALSE(status);
    expect_named(status.error(), Code::Io, path);
  }
  EXPECT_EQ(*(*file)->load(), std::vector{kept});
  EXPECT_TRUE((*file)->save(std::vector{lost}, 1000));
  EXPECT_EQ((*file)->load()->size(), 2u);
}

}  // namespace
}  // namespace verge::serve::api
