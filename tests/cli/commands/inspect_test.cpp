#include <command_line.hpp>
#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/engine/graph/text_form.hpp>

namespace verge::cli {
namespace {

using test::run_verge;

TEST(InspectCommand, TellsWhatTheFileHolds) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder);
  const auto json = test::run_json({"inspect", model, "--context", "64"});
  test::expect_fields(json, {"architecture", "parameters", "hyper_parameters", "tokenizer",
                             "chat_template", "memory", "types", "tensors"});
  EXPECT_EQ(json["parameters"], build::parameter_count(*build::random_model_spec("tiny-llama")));
  EXPECT_EQ(json["hyper_parameters"]["layers"], 2);
  const int64_t kv = 2 * 2 * 1 * 32 * 64 * 2;  // layers, K and V, kv_heads, head_dim, tokens, f16
  EXPECT_EQ(json["memory"]["kv_bytes"], kv);
  const auto text = run_verge({"inspect", model});
  EXPECT_NE(text.out.find("blk.1.attn_q.weight"), std::string::npos) << text.out;
}

TEST(InspectCommand, TheGraphReadsBack) {
  const test::TemporaryFolder folder;
  const auto ran = run_verge({"inspect", test::tiny_model(folder), "--graph", "text"});
  const auto graph = graph::parse(ran.out);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph::print(*graph), ran.out);
}

TEST(InspectCommand, ListsPassesAndRefusesBadInput) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder);
  EXPECT_FALSE(test::run_json({"inspect", model, "--passes"})["passes"].empty());
  test::expect_refused(run_verge({"inspect", folder.add("a.txt", "text")}), 1, "a.txt");
  test::expect_refused(run_verge({"inspect", model, "--context", "-3"}), 2, "context");
  test::expect_refused(run_verge({"inspect", model, "--graph", "png"}), 2, "png");
}

}  // namespace
}  // namespace verge::cli
