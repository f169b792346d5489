#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/model/level_file.hpp>

namespace verge::cli {
namespace {

TEST(NetworkBenchCommand, ReportsTheMedian) {
  const test::TemporaryFolder folder;
  const std::string net = folder.add("net.onnx", test::onnx_file(test::small_onnx()));
  const std::vector<std::string> command = {"bench",    net, "--shape",   "x=3x2",    "-t", "1",
                                            "--repeat", "2", "--profile", "--kernels"};
  const auto json = test::run_json(command);
  test::expect_fields(
      json, {"model", "threads", "repeat", "load_s", "median_ms", "least_ms", "peak_rss_bytes",
             "gflop", "machine", "reference_nodes", "command", "profile", "kernels"});
  EXPECT_GT(json["median_ms"], 0);
  EXPECT_LE(json["least_ms"], json["median_ms"]);
  EXPECT_EQ(json["profile"][0]["op"], "linear");
  EXPECT_NE(json["command"].get<std::string>().find("--shape x=3x2 --threads 1 --repeat 2"),
            std::string::npos);
  EXPECT_NE(test::run_verge(command).out.find("one run"), std::string::npos);
  test::expect_refused(test::run_verge({"bench", net, "-t", "1"}), 2, "say how large it is");
}

// A classifier of zeros, of f32 and of levels.
void write_classifier(const std::string& path, bool has_levels) {
  model::LevelFile file{};
  file.network.config = {.channels = 1, .height = 4, .width = 4, .classes = 2, .stages = {{2}}};
  if (!has_levels) {
    format::SafetensorsWriter writer;
    model::describe_network(file.network, writer);
    std::vector<Tensor> tensors;
    for (const nn::CnnParameter& parameter : nn::cnn_parameters(file.network.config)) {
      const Tensor& zeros = tensors.emplace_back(DType::F32, parameter.shape);
      ASSERT_TRUE(writer.add(parameter.name, DType::F32, parameter.shape,
                             std::as_bytes(zeros.view().span<const float>())));
    }
    ASSERT_TRUE(writer.write(path));
    return;
  }
  graph::Builder b("levels");
  b.input("images", {DType::I8, {1, 1, 4, 4}});
  b.output(b.op("dequantize", {b.param("w", {DType::I8, {1, 2}})}, {{"scale", 1.0}}), "logits");
  file.graph = *b.finish();
  const auto weight = std::make_shared<const Tensor>(DType::I8, Shape{1, 2});
  file.weights["w"] = {weight->view(), weight};
  ASSERT_TRUE(model::write_level_file(path, file, {}));
}

TEST(NetworkBenchCommand, ClassifiersRunWithoutABackend) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  const std::vector<std::string> command = {"bench", path, "-t", "1", "--backend", "int8-dsp"};
  write_classifier(path, false);
  test::expect_refused(test::run_verge(command), 2, "verge model export --onnx");
  write_classifier(path, true);
  test::expect_refused(test::run_verge(command), 2, "leave --backend out");
}

}  // namespace
}  // namespace verge::cli
