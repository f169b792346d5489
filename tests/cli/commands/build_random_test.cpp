#include <command_line.hpp>
#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

std::string content(const std::string& path) {
  return *read_whole_file(path, size_t{64} << 20);
}

TEST(BuildRandomCommand, TheSeedDecidesEveryByte) {
  const test::TemporaryFolder folder;
  const auto build = [&](const char* name, const char* seed) {
    const std::string path = folder / name;
    const auto json = test::run_json({"build", "random", "tiny-llama", path, "--seed", seed});
    EXPECT_EQ(json["parameters"], build::parameter_count(*build::random_model_spec("tiny-llama")));
    EXPECT_EQ(json["bytes"], content(path).size());
    return content(path);
  };
  const std::string first = build("a", "1");
  EXPECT_EQ(build("b", "1"), first);
  EXPECT_NE(build("c", "2"), first);
}

TEST(BuildRandomCommand, TheRecipeDecidesTheSize) {
  const test::TemporaryFolder folder;
  size_t larger = SIZE_MAX;
  for (const char* recipe : {"f32", "f16", "q8_0"}) {
    const test::Ran ran = test::run_verge(
        {"build", "random", "tiny-llama", folder / recipe, "--recipe", recipe, "-t", "1"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.out.find("tiny-llama"), std::string::npos) << ran.out;
    const size_t bytes = content(folder / recipe).size();
    EXPECT_LT(bytes, larger) << recipe;
    larger = bytes;
  }
}

TEST(BuildRandomCommand, RefusesBadInput) {
  const test::TemporaryFolder folder;
  const auto run = [&](const char* shape, const char* out, const char* recipe) {
    return test::run_verge({"build", "random", shape, folder / out, "--recipe", recipe});
  };
  EXPECT_NE(run("huge-llama", "a", "f16").status, 0);
  test::expect_refused(run("huge-llama", "a", "f16"), 1, "tiny-llama");  // lists what there is
  test::expect_refused(run("tiny-llama", "a", "q99"), 1, "q99");
  test::expect_refused(run("tiny-llama", "no/a", "f16"), 1, "no/a");
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
}  // namespace verge::cli
