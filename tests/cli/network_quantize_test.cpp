#include <command_line.hpp>
#include <gtest/gtest.h>
#include <idx_files.hpp>
#include <shared_data.hpp>
#include <vision_networks.hpp>

#include <verge/engine/format/image/writer.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

class NetworkQuantizeCommand : public testing::Test {
 protected:
  // A classifier of `data`, as ONNX.
  std::string trained(const std::string& data, const std::string& epochs) {
    const std::string net = folder_ / "net.safetensors", onnx = folder_ / "net.onnx";
    const auto train = run_verge({"train", "image", data, "-t", "2", "--epochs", epochs, "--batch",
                                  "32", "-o", net, "--quiet"});
    EXPECT_EQ(train.status, 0) << train.err;
    const auto written = run_verge({"model", "export", net, onnx, "--onnx"});
    EXPECT_EQ(written.status, 0) << written.err;
    return onnx;
  }

  test::TemporaryFolder data_, folder_;
};

TEST_F(NetworkQuantizeCommand, ReportsLayersSizesAndAccuracy) {
  std::string labels;
  for (int i = 0; i < 64; ++i) labels += static_cast<char>(i % 10);
  test::add_idx_files(data_, 28, 28, labels, labels.substr(0, 20));
  const std::string net = trained(data_.path(), "1"), out = folder_ / "int8.onnx";
  const std::vector<std::string> command = {
      "quantize", net, out,          "--calibrate", data_.path(), "--samples",  "9",
      "-t",       "1", "--evaluate", data_.path(),  "--method",   "percentile", "--quiet"};
  const auto json = test::run_json(command);
  test::expect_fields(
      json, {"file", "method", "samples", "source_bytes", "bytes", "compared", "output_sqnr_db",
             "top1_agreement", "ms_before", "ms", "accuracy", "accuracy_before", "layers"});
  test::expect_fields(json["layers"][0], {"name", "op", "sqnr_db", "kept_f32"});
  EXPECT_EQ(json["samples"], 9);
  EXPECT_EQ(json["labelled"], 20);
  EXPECT_LT(json["bytes"], json["source_bytes"]);
  const auto text = run_verge(command);
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("accuracy, %"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("layers of the lowest SQNR"), std::string::npos);
}

// Real digits: what 8 bits cost is less than a point.
TEST_F(NetworkQuantizeCommand, DigitsKeepTheirAccuracy) {
  const std::string data = test::shared_data("pockengine/optdigits_train.csv");
  if (data.empty()) GTEST_SKIP() << "no shared data";
  const std::string net = trained(data, "2");
  for (const char* method : {"entropy", "percentile", "minmax"}) {
    const auto json =
        test::run_json({"quantize", net, folder_ / "int8.onnx", "--calibrate", data, "--samples",
                        "100", "--evaluate", data, "--method", method, "-t", "2", "--quiet"});
    EXPECT_GT(json["accuracy_before"], 0.9) << method;
    EXPECT_GT(json["accuracy"].get<double>(), json["accuracy_before"].get<double>() - 0.01)
        << method;
    EXPECT_GT(json["top1_agreement"], 0.98) << method;
  }
}

TEST_F(NetworkQuantizeCommand, NamesAPictureTooNarrowForItsCrop) {
  test::OnnxParts parts = test::colour_classifier(-1, 64);
  parts.nodes[0] = test::onnx_node("Conv", {"x", "w"}, {"c"});
  parts.nodes.insert(parts.nodes.begin() + 1, test::onnx_node("GlobalAveragePool", {"c"}, {"p"}));
  parts.constants = {
      test::onnx_tensor<float>("w", test::kOnnxFloat, {3, 3, 1, 1}, {1, 0, 0, 0, 1, 0, 0, 0, 1})};
  const std::string net = folder_.add("net.onnx", test::onnx_file(parts));
  const std::string narrow = folder_ / "narrow.png";
  ASSERT_TRUE(format::write_image(narrow, test::plain_picture(1, 900'000, {9, 9, 9})));
  const auto refused = run_verge({"quantize", net, folder_ / "int8.onnx", "--calibrate", narrow,
                                  "--resize", "crop", "-t", "1"});
  expect_refused(refused, 1, "too narrow");
  EXPECT_NE(refused.err.find(narrow), std::string::npos) << refused.err;
}

TEST_F(NetworkQuantizeCommand, RefusesBadInput) {
  const std::string net = folder_.add("net.onnx", test::onnx_file(test::colour_classifier()));
  const std::string out = folder_ / "int8.onnx";
  expect_refused(run_verge({"quantize", net, out}), 2, "--calibrate");
  expect_refused(run_verge({"quantize", net, out, "Q8_0"}), 2, "no RECIPE");
  expect_refused(run_verge({"quantize", net, out, "--calibrate", folder_ / "none"}), 1, "none");
  expect_refused(run_verge({"quantize", net, out, "--calibrate", "a.npy", "--percentile", "20"}), 2,
                 "--percentile 20");
  expect_refused(run_verge({"quantize", net, out, "--calibrate", "a.npy", "--method", "kl"}), 2,
                 "entropy");
  expect_refused(run_verge({"quantize", net, out, "--calibrate", "a.npy"}), 1, "no Conv, Gemm");
  const std::string product = folder_.add("product.onnx", test::onnx_file(test::small_onnx()));
  expect_refused(run_verge({"quantize", product, out, "--calibrate", folder_ / "a.npy"}), 1,
                 "a.npy");
  expect_refused(run_verge({"quantize", net, net, "--calibrate", "a.npy"}), 2,
                 "is read and would be written");
  for (const char* option : {"--evaluate", "--keep", "--settings"}) {
    expect_refused(run_verge({"quantize", folder_ / "no.gguf", out, "Q8_0", option, "x"}), 2,
                   option);
  }
  expect_refused(run_verge({"quantize", folder_ / "no.gguf", out, "Q8_0", "--method", "minmax"}), 2,
                 "--method is of ONNX networks");
  expect_refused(run_verge({"quantize", folder_ / "no.gguf", out}), 2, "RECIPE");
  expect_refused(run_verge({"quantize", folder_ / "no.gguf", out, "Q8_0", "--calibrate", "x"}), 2,
                 "--calibrate");
}

}  // namespace
}  // namespace verge::cli
