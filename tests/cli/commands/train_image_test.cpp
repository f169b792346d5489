#include <command_line.hpp>
#include <gtest/gtest.h>
#include <idx_files.hpp>

namespace verge::cli {
namespace {

class TrainImageCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string labels;
    for (int i = 0; i < 64; ++i) labels += static_cast<char>(i % 10);
    test::add_idx_files(data_, 28, 28, labels, labels.substr(0, 20));
  }
  std::vector<std::string> arguments(std::vector<std::string> more) {
    std::vector<std::string> all = {"train",    "image", data_.path(), "-t", "1",
                                    "--epochs", "1",     "--batch",    "16"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  test::TemporaryFolder data_, folder_;
};

TEST_F(TrainImageCommand, ReportsTheResultAndWritesWhatIsAskedFor) {
  const std::string out = folder_ / "net.safetensors", plot = folder_ / "curve.svg";
  const test::Ran ran = test::run_verge(arguments({"-o", out, "--plot", plot, "--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const size_t last = ran.out.rfind('\n', ran.out.size() - 2);
  const auto json = nlohmann::json::parse(ran.out.substr(last == std::string::npos ? 0 : last + 1));
  test::expect_fields(json, {"parameters", "accuracy", "seed", "seconds", "images_per_s",
                             "gflops_per_s", "arena_bytes", "peak_rss_bytes", "output"});
  EXPECT_EQ(json["steps"], 4);
  EXPECT_EQ(json["finished"], true);
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_EQ(folder_.entries(), 2u);
  const test::Ran again = test::run_verge(arguments({"--quiet"}));
  EXPECT_NE(again.out.find("% of the test images after 4 steps"), std::string::npos) << again.out;
}

TEST_F(TrainImageCommand, EvaluatesAndInspectsWhatItWrote) {
  const std::string out = folder_ / "net.safetensors";
  const test::Ran ran = test::run_verge(arguments({"-o", out, "--mirror", "--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const size_t last = ran.out.rfind('\n', ran.out.size() - 2);
  const auto trained = nlohmann::json::parse(ran.out.substr(last + 1));
  const std::vector<std::string> evaluate = {"train", "image", data_.path(), "--evaluate", out};
  const auto found = test::run_json(evaluate);
  EXPECT_EQ(found["accuracy"], trained["accuracy"]);
  EXPECT_EQ(found["images"], 20);
  EXPECT_NE(test::run_verge(evaluate).out.find("% of 20 test images"), std::string::npos);
  const auto facts = test::run_json({"inspect", out});
  EXPECT_EQ(facts["architecture"], "cnn");
  EXPECT_EQ(facts["metadata"]["verge.cnn.stages"], "16;32,32;64,64");
  EXPECT_NE(test::run_verge({"inspect", out}).out.find("head.weight"), std::string::npos);
  test::expect_refused(
      test::run_verge({"train", "image", data_.path(), "--evaluate", data_ / "no"}), 1, "no");
}

TEST_F(TrainImageCommand, RefusesBadInput) {
  test::expect_refused(test::run_verge({"train", "image", folder_.path()}), 1, folder_.path());
  test::expect_refused(test::run_verge(arguments({"--checkpoint-every", "0"})), 2,
                       "checkpoint-every");
  EXPECT_NE(test::run_verge(arguments({"--batch", "0"})).status, 0);
}

}  // namespace
}  // namespace verge::cli
