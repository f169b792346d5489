// Many devices against one node, as users measure it: a node in a process of its own, `verge node
// bench` and `verge node stats`.

#include <algorithm>
#include <fstream>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <node_process.hpp>
#include <paths.hpp>
#include <temporary_folder.hpp>

namespace verge::cli {
namespace {

constexpr int kShippedLayers = 6, kExit1 = 2, kExit2 = 4,
              kAnswerTokens = 8;  // of the shipped model

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class NodeBenchTest : public testing::Test {
 protected:
  void start() {
    test::run_json({"fit", "split", whole_, "-o", edge_, folder_ / "cloud.gguf"});
    test::run_json({"node", "init", "home", "--dir", home_});
    node_.emplace(home_, std::vector<std::string>{"--collab", whole_, "--threads", "1", "--slow",
                                                  "1.5", "--mem", "4M"});
    const std::string token = test::run_json({"node", "invite", "phone", "--dir", home_})["token"];
    test::run_json({"node", "join", node_->join_address(), token, "--dir", phone_});
  }
  std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all = {"node",    "bench",   edge_,   "-n",   "8",
                                    "--cloud", address_,  "--dir", phone_, "--prompts",
                                    prompts_,  "--codec", "f32"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  nlohmann::json stats() const {
    return test::run_json({"node", "stats", address_, "--dir", phone_});
  }

  test::TemporaryFolder folder_;
  std::string whole_ = test::source_file("models/verge-lm.gguf");
  std::string edge_ = folder_ / "edge.gguf", home_ = folder_ / "home", phone_ = folder_ / "phone";
  std::string prompts_ = folder_.add(
      "prompts.txt", "And it came to pass\n\nThe king said\\nunto him\nIn those days\n");
  std::string address_;
  std::optional<test::NodeProcess> node_;
};

TEST_F(NodeBenchTest, CountsWhatBothSidesRan) {
  start();
  address_ = node_->address();
  const std::string csv = folder_ / "rows.csv", svg = folder_ / "rows.svg";
  const auto rows = test::run_json(words({"--modes", "cloud,collab,standalone", "--clients", "1,2",
                                          "--whole", whole_, "--theta1", "1", "--theta2", "1",
                                          "--slow", "1.5", "--csv", csv, "--svg", svg}))["rows"];
  ASSERT_EQ(rows.size(), 6u);
  for (const auto& row : rows) {
    EXPECT_EQ(row["answers"], 3) << row;
    EXPECT_EQ(row["failed"], 0) << row;
    EXPECT_GT(row["answers_per_s"], 0) << row;
    EXPECT_LE(row["answer_s"]["p50"], row["answer_s"]["p95"]) << row;
  }
  for (const size_t cloud : {0, 3}) {
    EXPECT_EQ(rows[cloud]["same_as_cloud"], 1.0);
    EXPECT_EQ(rows[cloud]["agreement"], 1.0);
    EXPECT_EQ(rows[cloud]["edge_layer_tokens"], 0);
    EXPECT_EQ(rows[cloud]["tokens"]["cloud"], 3 * kAnswerTokens);
    const auto& collab = rows[cloud + 1];
    EXPECT_EQ(collab["same_as_cloud"], 1.0) << collab;
    EXPECT_EQ(collab["agreement"], 1.0) << collab;
    EXPECT_EQ(collab["rouge_l"], 1.0) << collab;
    // Each position once on either side, but the last token, which nobody runs.
    const int positions = collab["edge_layer_tokens"].get<int>() / kExit2;
    EXPECT_EQ(collab["edge_layer_tokens"], positions * kExit2) << collab;
    EXPECT_GT(positions, 3 * kAnswerTokens);
    EXPECT_EQ(collab["server_layer_tokens"], positions * (kShippedLayers - kExit1)) << collab;
    EXPECT_EQ(collab["node"]["collab.tokens"], 3 * kAnswerTokens) << collab;
    EXPECT_GT(collab["server_engine_s"], 0) << collab;
    EXPECT_GT(collab["bytes_up_per_token"], 256 * 4) << collab;
    EXPECT_EQ(rows[cloud + 2]["server_layer_tokens"], 0);
    EXPECT_EQ(rows[cloud + 2]["server_passes"], 0);
    EXPECT_LE(rows[cloud + 2]["agreement"], 1.0);
  }
  const int positions = rows[1]["edge_layer_tokens"].get<int>() / kExit2;
  EXPECT_EQ(rows[0]["server_layer_tokens"], positions * kShippedLayers);
  const std::string table = file_text(csv);
  EXPECT_EQ(std::ranges::count(table, '\n'), 7) << table;
  EXPECT_NE(table.find("answer_s.p95"), std::string::npos) << table;
  EXPECT_NE(file_text(svg).find("standalone"), std::string::npos);

  const auto counted = stats();
  EXPECT_EQ(counted["collab.tokens"], 2 * 3 * kAnswerTokens);
  EXPECT_EQ(counted["text.layer_tokens"], rows[0]["server_layer_tokens"].get<double>() +
                                              rows[3]["server_layer_tokens"].get<double>());
}

TEST_F(NodeBenchTest, ATableForReadersAndAnswersAsManyAsAreWanted) {
  start();
  address_ = node_->address();
  const test::Ran ran =
      test::run_verge(words({"--modes", "cloud,auto", "--answers", "4", "--quiet"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 3) << ran.out;
  EXPECT_NE(ran.out.find("auto"), std::string::npos) << ran.out;
  EXPECT_EQ(stats()["text.tokens"].get<double>() > 0, true);
  const test::Ran shown = test::run_verge({"node", "stats", address_, "--dir", phone_});
  EXPECT_NE(shown.out.find("collab.layer_tokens"), std::string::npos) << shown.out;
}

TEST_F(NodeBenchTest, BadUseIsOneTrueLine) {
  start();
  address_ = node_->address();
  test::expect_refused(test::run_verge(words({"--modes", "cloud,fog"})), 2, "fog");
  test::expect_refused(test::run_verge(words({"--clients", "1,0"})), 2, "--clients 0");
  test::expect_refused(test::run_verge(words({"--slow", "0.5"})), 2, "--slow");
  prompts_ = folder_.add("none.txt", "\n\n");
  test::expect_refused(test::run_verge(words({})), 2, "no prompt");
  EXPECT_EQ(node_->stop(), 0);
  prompts_ = folder_.add("one.txt", "In those days\n");
  test::expect_refused(test::run_verge(words({})), 1, address_);
  test::expect_refused(test::run_verge({"node", "stats", address_, "--dir", phone_}), 1, address_);
}

}  // namespace
}  // namespace verge::cli
