#include <command_line.hpp>
#include <gtest/gtest.h>
#include <standard_input.hpp>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

constexpr int kBos = 1;

class TokenizeCommand : public testing::Test {
 protected:
  std::vector<int> ids(const std::string& text, std::vector<std::string> more = {}) {
    const test::StandardInput input(text);
    more.insert(more.begin(), {"tokenize", model_});
    return test::run_json(more)["tokens"].get<std::vector<int>>();
  }

  test::TemporaryFolder folder_;
  std::string model_ = test::tiny_model(folder_);
};

TEST_F(TokenizeCommand, SpecialTokensAreAddedAndReadAsAsked) {
  const std::vector<int> plain = ids("and then", {"--no-special"});
  std::vector<int> with_bos = {kBos};
  with_bos.insert(with_bos.end(), plain.begin(), plain.end());
  EXPECT_EQ(ids("and then"), with_bos);
  EXPECT_EQ(ids("<s>", {"--no-special", "--parse-special"}), std::vector<int>{kBos});
  EXPECT_NE(ids("<s>", {"--no-special"}), std::vector<int>{kBos});
  EXPECT_TRUE(ids("", {"--no-special"}).empty());
}

TEST_F(TokenizeCommand, ALineForEachToken) {
  const size_t tokens = ids("and then\n").size();
  const test::StandardInput input("and then\n");
  const test::Ran ran = test::run_verge({"tokenize", model_});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(static_cast<size_t>(std::ranges::count(ran.out, '\n')), tokens) << ran.out;
  EXPECT_NE(ran.out.find("1  \"<s>\"\n"), std::string::npos) << ran.out;
}

TEST_F(TokenizeCommand, RefusesWhatIsNoModel) {
  test::expect_refused(test::run_verge({"tokenize", folder_ / "no.gguf"}), 1, "no.gguf");
  test::expect_refused(test::run_verge({"tokenize", folder_.add("a.gguf", "GGUX")}), 1, "a.gguf");
}

}  // namespace
}  // namespace verge::cli
