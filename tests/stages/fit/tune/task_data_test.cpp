#include <cmath>

#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include <verge/stages/fit/tune/task_data.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

// The inputs of a plan, as tensors.
struct Inputs {
  std::map<std::string, Tensor, std::less<>> tensors;

  explicit Inputs(const graph::Graph& graph) {
    for (const graph::Value& value : graph.values) {
      if (value.kind != graph::ValueKind::Input) continue;
      tensors.emplace(value.name, Tensor(value.type.dtype, graph.bound_shape(value.type)));
    }
  }
  TaskData::Input read() {
    return [this](std::string_view name) -> const TensorView& {
      return tensors.find(name)->second.view();
    };
  }
};

TEST(TaskData, ImagesAreResizedShuffledAndHeldOutInOrder) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  const auto data = open_task_data(base, {.batch = 8}, {.paths = {write_toy_images(folder, 50)}});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ((*data)->passes_per_epoch(), 5);  // 40 of 50
  EXPECT_EQ((*data)->held_out_batches(), 2);
  Inputs inputs(base.graph);
  (*data)->fill(0, inputs.read());
  const auto labels = inputs.tensors.at("labels").span<int32_t>();
  const std::vector<int32_t> first(labels.begin(), labels.end());
  const auto pixels = inputs.tensors.at("images").span<float>();
  const std::vector<float> image(pixels.begin(), pixels.begin() + 64);
  (*data)->fill(7, inputs.read());
  (*data)->fill(0, inputs.read());  // a pure function of the pass
  EXPECT_EQ(std::vector<int32_t>(labels.begin(), labels.end()), first);
  EXPECT_EQ(std::vector<float>(pixels.begin(), pixels.begin() + 64), image);
  EXPECT_EQ((*data)->fill_held_out(1, inputs.read()), 2);  // 10 of 50, in batches of 8
  EXPECT_EQ(labels[2], -1);
  EXPECT_EQ((*data)->label(1), labels[1]);
}

TEST(TaskData, RefusesWhatDoesNotFitTheNetwork) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  const auto refusal = [&](const std::string& text, int64_t batch = 1) {
    folder.add("bad.csv", text);
    const auto data = open_task_data(base, {.batch = batch}, {.paths = {folder / "bad.csv"}});
    return data ? std::string("taken") : data.error().message;
  };
  EXPECT_NE(refusal("0,1,2,3,9\n0,1,2,3,1\n0,1,2,3,1\n").find("class 9"), std::string::npos);
  EXPECT_NE(refusal("0,1,2,3,1\n0,1,2,3,1\n", 8).find("batches of 8"), std::string::npos);
  EXPECT_FALSE(open_task_data(base, {}, {.paths = {"a", "b"}}));
}

TEST(TaskData, TextsAreTokensOfTheModel) {
  const test::TemporaryFolder folder;
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const BaseShape shape{.batch = 2, .tokens = 8};
  const auto base = open_base_model(path, shape);
  ASSERT_TRUE(base) << base.error().message;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
  folder.add("t.txt", text);
  const auto data = open_task_data(*base, shape, {.paths = {folder / "t.txt"}});
  ASSERT_TRUE(data) << data.error().message;
  Inputs inputs(base->graph);
  (*data)->fill(0, inputs.read());
  EXPECT_EQ(inputs.tensors.at("tokens").span<int32_t>()[1],
            inputs.tensors.at("targets").span<int32_t>()[0]);
  EXPECT_EQ(inputs.tensors.at("positions").span<int32_t>()[7], 7);
  EXPECT_EQ((*data)->samples_per_pass(), 16);
  folder.add("short.txt", "the cat");
  const auto short_text = open_task_data(*base, shape, {.paths = {folder / "short.txt"}});
  ASSERT_FALSE(short_text);
  EXPECT_NE(short_text.error().message.find("--tokens"), std::string::npos);
  for (const double share : {0.0, 1.0, -0.5, std::nan("")}) {
    const auto refused =
        open_task_data(*base, shape, {.paths = {folder / "t.txt"}, .held_out = share});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
  }
}

}  // namespace
}  // namespace verge::fit
