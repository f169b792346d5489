#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/collab_bench_report.hpp>

namespace verge::cli {
namespace {

CollabBenchRow some_row() {
  CollabBenchRow row{.of = {serve::CollabMode::Collab, 8}, .answers = 2, .wall_s = 4};
  row.seconds = {1, 3};
  row.metrics.tokens = {6, 1, 3, 0};
  row.metrics.edge_s = 1;
  row.metrics.waiting_s = 2;
  row.metrics.server_s = 0.5;
  row.metrics.communication_s = 6;
  row.metrics.bytes_up = 5120;
  row.server = {{"collab.layer_tokens", 90}, {"collab.steps", 3}, {"collab.engine_s", 0.25}};
  row.same = 0.75;
  return row;
}

TEST(CollabBenchReport, SaysSumsByAnswerAndByToken) {
  const Json json = to_json(some_row());
  EXPECT_EQ(json["mode"], "collab");
  EXPECT_EQ(json["answers_per_s"], 0.5);
  EXPECT_EQ(json["answer_s"]["mean"], 2);
  EXPECT_EQ(json["edge_s"], 0.5);
  EXPECT_EQ(json["exposed_s"], 0.75);
  EXPECT_EQ(json["hidden_s"], 2.25);
  EXPECT_EQ(json["bytes_up_per_token"], 512);
  EXPECT_EQ(json["server_layer_tokens"], 90);
  EXPECT_EQ(json["server_passes"], 3);
  EXPECT_EQ(json["cloud_rate"], 0.3);
  EXPECT_EQ(json["same_as_cloud"], 0.75);
  EXPECT_TRUE(json["agreement"].is_null());
  EXPECT_TRUE(json["predicted"].is_null());
}

TEST(CollabBenchReport, EachLineOfTheTableHasEveryColumn) {
  CollabBenchRow with = some_row();
  with.kept = 0.5;
  with.predicted = CollabPrediction{.cost = {.token_s = 0.25}};
  with.failed = 1;
  with.failure = "no, \"really\"";
  std::istringstream csv(to_csv({some_row(), with}));
  std::string line;
  std::getline(csv, line);
  const auto commas = std::ranges::count(line, ',');
  EXPECT_NE(line.find("answer_s.mean"), std::string::npos) << line;
  int lines = 0;
  for (; std::getline(csv, line); ++lines) EXPECT_EQ(std::ranges::count(line, ','), commas) << line;
  EXPECT_EQ(lines, 2);
  EXPECT_EQ(to_csv({}), "");
}

TEST(CollabBenchReport, ReadersSeeWhatBrokeOff) {
  CollabBenchRow row = some_row();
  row.failed = 3;
  row.failure = "the link is gone";
  std::ostringstream out;
  print_bench_rows({row}, out);
  EXPECT_NE(out.str().find("3 answers broke off, the first: the link is gone"), std::string::npos);
  EXPECT_NE(out.str().find("75.0%"), std::string::npos) << out.str();
}

TEST(CollabBenchReport, ThePictureHasABarForEachRow) {
  CollabBenchRow alone = some_row();
  alone.of = {serve::CollabMode::Standalone, 1};
  const std::string svg = to_svg({some_row(), alone});
  for (const char* words :
       {">collab<", ">8 clients<", ">standalone<", ">1 client<", "device: 0.5"}) {
    EXPECT_NE(svg.find(words), std::string::npos) << words;
  }
}

}  // namespace
}  // namespace verge::cli
