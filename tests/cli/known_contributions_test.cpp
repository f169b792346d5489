#include <filesystem>

#include <gtest/gtest.h>
#include <kept_variable.hpp>
#include <temporary_folder.hpp>

#include <verge/cli/known_contributions.hpp>

namespace verge::cli {
namespace {

TEST(KnownContributions, LieInTheUsersCacheByModelAndFamily) {
  const test::Kept cache("XDG_CACHE_HOME"), home("HOME");
  const test::TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  const std::string path = contributions_path("12ab", "digits");
  EXPECT_EQ(path, folder / "verge/contributions/12ab-digits.json");
  EXPECT_EQ(keep_contributions(folder / "missing", "12ab", "digits"), "");
  EXPECT_EQ(keep_contributions(folder.add("a", "1"), "12ab", "digits"), path);
  EXPECT_EQ(keep_contributions(folder.add("b", "22"), "12ab", "digits"), path);
  EXPECT_EQ(std::filesystem::file_size(path), 2u);
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  EXPECT_EQ(contributions_path("12ab", "digits"), "");
  EXPECT_EQ(keep_contributions(folder / "a", "12ab", "digits"), "");
}

TEST(KnownContributions, AFamilyIsAWord) {
  for (const char* word : {"any", "Digits-2", "a_b"}) EXPECT_TRUE(check_family(word)) << word;
  for (const char* word : {"", "a/b", "..", "a b"}) EXPECT_FALSE(check_family(word)) << word;
}

}  // namespace
}  // namespace verge::cli
