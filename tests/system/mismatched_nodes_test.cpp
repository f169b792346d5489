// Nodes of one fleet whose models do not belong together: refused before any state is sent, by what
// differs; the edge goes on alone, and says so.

#include <command_line.hpp>
#include <exit_models.hpp>
#include <gtest/gtest.h>
#include <node_process.hpp>
#include <shared_data.hpp>

namespace verge {
namespace {

class MismatchedNodes : public testing::Test {
 protected:
  void SetUp() override {
    test::run_json({"node", "init", "home", "--dir", home_});
    node_.emplace(home_,
                  std::vector<std::string>{"--collab", test::repository_model(), "--threads", "1"});
    const std::string token = test::run_json({"node", "invite", "phone", "--dir", home_})["token"];
    test::run_json({"node", "join", node_->join_address(), token, "--dir", phone_});
  }

  void expect_refused_by(const std::string& model, const std::string& difference) {
    const test::Ran ran = test::run_verge({"run",
                                           model,
                                           "-p",
                                           "And it came to pass",
                                           "-n",
                                           "4",
                                           "--temp",
                                           "0",
                                           "--ignore-end",
                                           "--threads",
                                           "1",
                                           "--theta1",
                                           "1",
                                           "--theta2",
                                           "1",
                                           "--cloud",
                                           node_->address(),
                                           "--dir",
                                           phone_,
                                           "--json"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.err.find("without the cloud: "), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find(difference), std::string::npos) << ran.err;
    const auto answer = nlohmann::json::parse(ran.out, nullptr, false);
    ASSERT_TRUE(answer.is_object());
    EXPECT_EQ(answer["places"]["degraded"], 4);
  }

  test::TemporaryFolder folder_;
  std::string home_ = folder_ / "home", phone_ = folder_ / "phone";
  std::optional<test::NodeProcess> node_;
};

TEST_F(MismatchedNodes, AnotherModelIsNamedByItsHash) {
  expect_refused_by(test::write_exit_model(folder_, "tiny-llama"), "the device's model is ");
}

TEST_F(MismatchedNodes, AnotherTokenizerIsNamedByItsHash) {
  const std::string own = folder_.add("own.gguf", "");
  std::filesystem::copy_file(test::repository_model(), own,
                             std::filesystem::copy_options::overwrite_existing);
  const std::string other = test::rewrite_model(own, "-other.gguf", [](format::Metadata& metadata) {
    auto tokens = metadata.get_strings("tokenizer.ggml.tokens");
    ASSERT_TRUE(tokens.ok()) << tokens.error().message;
    std::swap((*tokens)[tokens->size() - 1], (*tokens)[tokens->size() - 2]);
    const std::vector<std::string> words(tokens->begin(), tokens->end());
    metadata.set_strings("tokenizer.ggml.tokens",
                         std::vector<std::string_view>(words.begin(), words.end()));
  });
  expect_refused_by(other, "the device's tokenizer is ");
}

}  // namespace
}  // namespace verge
