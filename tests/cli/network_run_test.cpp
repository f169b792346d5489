#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/engine/format/npy/npy.hpp>

namespace verge::cli {
namespace {

class NetworkCommands : public testing::Test {
 protected:
  NetworkCommands() {
    Tensor x(DType::F32, {2, 2});
    for (size_t i = 0; i < 4; ++i) x.span<float>()[i] = static_cast<float>(i);
    EXPECT_TRUE(format::write_npy(folder_ / "x.npy", x.view()));
  }

  test::TemporaryFolder folder_;
  const std::string net_ = folder_.add("net.onnx", test::onnx_file(test::small_onnx()));
  const std::string x_ = "x=" + folder_.path() + "/x.npy";
};

TEST_F(NetworkCommands, RunWritesEachOutput) {
  const auto json =
      test::run_json({"run", net_, "--input", x_, "--output-dir", folder_ / "out", "-t", "1"});
  test::expect_fields(json, {"outputs", "load_s", "run_s", "peak_rss_bytes", "reference_nodes"});
  ASSERT_EQ(json["outputs"].size(), 1u);
  EXPECT_EQ(json["outputs"][0]["name"], "y");
  EXPECT_EQ(json["outputs"][0]["shape"], (std::vector<int>{2, 3}));
  const auto y = format::read_npy(json["outputs"][0]["file"].get<std::string>());
  ASSERT_TRUE(y) << y.error().message;
  EXPECT_EQ(y->tensor.span<float>()[0], 4.5f);  // 0 * 1 + 1 * 4 + 0.5
  const auto text = test::run_verge({"run", net_, "--input", x_, "--output-dir", folder_ / "out"});
  EXPECT_NE(text.out.find("float32  [2,3]"), std::string::npos) << text.out;
}

TEST_F(NetworkCommands, RunSaysWhatIsMissing) {
  test::expect_refused(test::run_verge({"run", net_}), 2, "needs --input NAME=FILE.npy");
  test::expect_refused(test::run_verge({"run", net_, "--output-dir", folder_ / "out"}), 2,
                       "input \"x\" is nx2");
  test::expect_refused(test::run_verge({"run", net_, "--input", "z=" + folder_.path() + "/x.npy",
                                        "--output-dir", folder_ / "out"}),
                       2, "no input is named \"z\"");
  test::expect_refused(test::run_verge({"run", "model.gguf", "--input", x_}), 2, "needs --prompt");
}

TEST_F(NetworkCommands, RunRefusesOptionsOfLanguageModels) {
  for (const std::string option : {"--prompt", "--mem", "--lora", "--plan"}) {
    test::expect_refused(test::run_verge({"run", net_, "--input", x_, "--output-dir",
                                          folder_ / "out", option, "1M"}),
                         2, option + " is for language models");
  }
}

TEST_F(NetworkCommands, ExportWritesANetworkThatAnswersAlike) {
  const std::string copy = folder_ / "copy.onnx";
  const auto exported =
      test::run_json({"model", "export", net_, copy, "--onnx", "--shape", "x=2x2"});
  EXPECT_EQ(exported["file"], copy);
  const auto answer = [&](const std::string& net) {
    const auto json = test::run_json({"run", net, "--input", x_, "--output-dir", folder_ / "out"});
    auto array = format::read_npy(json["outputs"][0]["file"].get<std::string>());
    return std::move(array->tensor);
  };
  const Tensor wanted = answer(net_), found = answer(copy);
  EXPECT_TRUE(std::ranges::equal(wanted.span<float>(), found.span<float>()));
  test::expect_refused(test::run_verge({"model", "export", net_, copy, "--onnx"}), 2,
                       "input \"x\" is nx2");
  test::expect_refused(test::run_verge({"model", "export", net_, copy, "--onnx", "--safetensors"}),
                       2, "--onnx goes without");
}

TEST_F(NetworkCommands, RunTakesAConfigurationOfLanguageModels) {
  const std::string config = folder_.add("config.toml", "[run]\nmem = \"1M\"\nlora = [\"a\"]\n");
  const auto ran = test::run_verge(
      {"--config", config, "run", net_, "--input", x_, "--output-dir", folder_ / "out"});
  EXPECT_EQ(ran.status, 0) << ran.err;
}

TEST_F(NetworkCommands, ADamagedFileIsNamed) {
  const std::string whole = test::onnx_file(test::small_onnx());
  const std::string cut = folder_.add("cut.onnx", whole.substr(0, 60));
  test::expect_refused(
      test::run_verge({"run", cut, "--input", x_, "--output-dir", folder_ / "out"}), 1,
      "cut.onnx: ");
}

}  // namespace
}  // namespace verge::cli
