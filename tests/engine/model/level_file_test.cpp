#include <cmath>
#include <fstream>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/model/level_file.hpp>

#include "mcunet.hpp"
#include "temporary_folder.hpp"

namespace verge::model {
namespace {

// MCUNet at 32 x 32 as a file.
LevelFile small_file() {
  const support::McuNet real = support::mcunet(1, 32);
  auto net = nn::to_levels(
                 real.graph, real.graph.find("logits"), "images",
                 [&](const std::string& name) { return real.values(name); }, real.ranges())
                 .value();
  LevelFile file{.graph = std::move(net.graph),
                 .images = "images",
                 .input = net.input,
                 .scales = std::move(net.scales),
                 .network = {},
                 .weights = {}};
  file.network.config = {.channels = 3, .height = 32, .width = 32, .classes = 10};
  file.network.normalization = {128, 64};
  for (auto& [name, tensor] : net.weights) {
    const auto owner = std::make_shared<const Tensor>(std::move(tensor));
    file.weights[name] = {owner->view(), owner};
  }
  return file;
}

TEST(LevelFile, IsReadAsItWasWritten) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  const LevelFile file = small_file();
  ASSERT_TRUE(write_level_file(path, file, {{"seed", "1"}}));
  const auto read = read_level_file(path, 1);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(graph::print(read->graph), graph::print(*with_batch(file.graph, 1)));
  EXPECT_EQ(read->images, "images");
  EXPECT_EQ(read->input.scale, file.input.scale);
  EXPECT_EQ(read->input.zero, file.input.zero);
  EXPECT_EQ(read->network.normalization.deviation, 64);
  ASSERT_EQ(read->scales.size(), file.scales.size());
  for (const auto& [param, scale] : file.scales) {
    const auto& found = read->scales.at(read->graph.find(file.graph.value(param).name));
    EXPECT_EQ(read->graph.value(found.multiplier).name, file.graph.value(scale.multiplier).name);
    EXPECT_EQ(found.ratio, scale.ratio);
  }
  ASSERT_EQ(read->weights.size(), file.weights.size());
  for (const auto& [name, weight] : file.weights) {
    EXPECT_EQ(graph::load(read->weights.at(name).view), graph::load(weight.view)) << name;
  }
}

TEST(LevelFile, TakesAnyBatch) {
  const auto eight = with_batch(small_file().graph, 8);
  ASSERT_TRUE(eight) << eight.error().message;
  EXPECT_EQ(eight->value(eight->find("logits")).type.dims, (graph::Dims{8, 10}));
  EXPECT_EQ(eight->value(eight->find("images")).type.dims, (graph::Dims{8, 3, 32, 32}));
  EXPECT_FALSE(with_batch(*eight, 2));  // from batch 1 alone
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whatever is changed in the header: an error that names the file, never a crash.
TEST(LevelFile, DamagedFilesAreRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  ASSERT_TRUE(write_level_file(path, small_file(), {}));
  const std::string whole = read_all(path);
  const std::pair<const char*, const char*> changes[] = {
      {"conv2d_int8", "conv2d_intx"},
      {"i8 [1, 3, 32, 32]", "i8 [1, 3, 32, 31]"},
      {"verge.levels.input", "verge.levels.inpux"},
      {"\"conv.3.weight\\\":", "\"conv.x.weight\\\":"},
      {"verge.levels.scales", "verge.levels.scalex"},
      {"\"I8\"", "\"U8\""},
      {"\"verge.cnn.classes\":\"10\"", "\"verge.cnn.classes\":\"11\""}};
  for (const auto& [from, to] : changes) {
    std::string changed = whole;
    const size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, std::string(from).size(), to);
    const std::string other = folder / "changed.safetensors";
    std::ofstream(other, std::ios::binary) << changed;
    const auto refused = read_level_file(other, 1);
    EXPECT_FALSE(refused) << from;
    if (refused) continue;
    EXPECT_NE(refused.error().message.find(other), std::string::npos) << from;
  }
}

// The first node of this operator is changed; the file is whole else.
LevelFile with_attribute(const LevelFile& file, std::string_view op, std::string_view name,
                         graph::Attr value) {
  LevelFile changed = file;
  const auto node = std::ranges::find_if(
      changed.graph.nodes, [&](const graph::Node& each) { return each.op->name == op; });
  EXPECT_NE(node, changed.graph.nodes.end()) << op;
  node->attrs.set(name, std::move(value));
  return changed;
}

void expect_damaged(const LevelFile& file, const std::string& what) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  ASSERT_TRUE(write_level_file(path, file, {}));
  const auto refused = read_level_file(path, 1);
  ASSERT_FALSE(refused) << what;
  EXPECT_NE(refused.error().message.find(path), std::string::npos) << what;
}

TEST(LevelFile, AttributesThatMakeNoSenseAreRefused) {
  const LevelFile file = small_file();
  const std::string text = "x";
  const std::tuple<const char*, const char*, graph::Attr> changes[] = {
      {"add_int8", "a_multiplier", text},
      {"add_int8", "b_multiplier", -1.0},
      {"add_int8", "a_multiplier", 1e39},
      {"add_int8", "low", text},
      {"avg_pool2d_int8", "multiplier", text},
      {"avg_pool2d_int8", "multiplier", 0.0},
      {"avg_pool2d_int8", "count_include_pad", text},
      {"avg_pool2d_int8", "count_include_pad", int64_t{7}},
      {"avg_pool2d_int8", "kernel", text},
      {"conv2d_int8", "groups", int64_t{0}},
      {"dequantize", "scale", text},
      {"dequantize", "zero_point", int64_t{1} << 40}};
  for (const auto& [op, name, value] : changes) {
    expect_damaged(with_attribute(file, op, name, value), fmt::format("{} {}", op, name));
  }
}

TEST(LevelFile, OtherOperatorsAreRefused) {
  LevelFile file = small_file();
  graph::Builder b(std::move(file.graph));
  b.op("scale", {b.graph().find("logits")}, {{"factor", 2.0}});
  file.graph = *b.finish();
  expect_damaged(file, "scale");
}

TEST(LevelFile, ScalesAreThoseOfParams) {
  const LevelFile file = small_file();
  for (const double ratio : {0.0, -1.0}) {
    LevelFile changed = file;
    changed.scales.begin()->second.ratio = ratio;
    expect_damaged(changed, "ratio");
  }
  LevelFile changed = file;
  changed.scales.begin()->second.multiplier = changed.scales.begin()->first;  // i8
  expect_damaged(changed, "multiplier");
}

TEST(LevelFile, WeightsAreNumbersInTheirRange) {
  const LevelFile file = small_file();
  for (const DType dtype : {DType::F32, DType::I32}) {
    LevelFile changed = file;
    const auto weight = std::ranges::find_if(
        changed.weights, [&](const auto& each) { return each.second.view.dtype == dtype; });
    ASSERT_NE(weight, changed.weights.end());
    auto values = graph::load(weight->second.view);
    values.back() = dtype == DType::F32 ? HUGE_VAL : (1 << 30) + 1;
    const auto damaged = std::make_shared<Tensor>(dtype, weight->second.view.shape);
    graph::store(damaged->view(), values);
    weight->second = {damaged->view(), damaged};
    expect_damaged(changed, weight->first);
  }
}

}  // namespace
}  // namespace verge::model
