#include <cstdlib>
#include <optional>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/engine/backends/onednn/onednn.hpp>

namespace verge::cli {
namespace {

class BackendCommands : public testing::Test {
 protected:
  // What is measured is kept for this test alone.
  BackendCommands() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME")) cache_ = cache;
    ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  ~BackendCommands() override {
    if (cache_) {
      ::setenv("XDG_CACHE_HOME", cache_->c_str(), 1);
    } else {
      ::unsetenv("XDG_CACHE_HOME");
    }
  }
  std::vector<std::string> bench(const std::string& backend) const {
    return {"bench", net_, "--shape", "x=64x2", "-t", "1", "--repeat", "1", "--backend", backend};
  }

  std::optional<std::string> cache_;
  test::TemporaryFolder folder_;
  const std::string net_ = folder_.add("net.onnx", test::onnx_file(test::small_onnx()));
};

TEST_F(BackendCommands, WrongNamesAndSizesAreWrongUse) {
  test::expect_refused(test::run_verge(bench("npu")), 2, "give int8-dsp, onednn, auto or cpu");
  auto command = bench("int8-dsp");
  command.insert(command.end(), {"--backend-memory", "none"});
  test::expect_refused(test::run_verge(command), 2, "--backend-memory");
  test::expect_refused(test::run_verge({"run", "model.gguf", "-p", "x", "--backend", "onednn"}), 2,
                       "--backend is for ONNX networks");
  test::expect_refused(test::run_verge({"bench", "model.gguf", "--backend", "auto"}), 2,
                       "--backend is for ONNX networks");
  test::expect_refused(
      test::run_verge({"run", net_, folder_.add("p.png", "x"), "--backend", "auto"}), 2,
      "name a backend");
}

TEST_F(BackendCommands, AMemoryIsReadAndIsOfInt8DspAlone) {
  const auto refused = [&](const std::vector<std::string>& command, const std::string& memory,
                           const char* why) {
    auto all = command;
    all.insert(all.end(), {"--backend-memory", memory});
    test::expect_refused(test::run_verge(all), 2, why);
  };
  for (const std::string backend : {"cpu", "onednn", "auto", "int8-dsp"}) {
    refused(bench(backend), "none", "--backend-memory");
    refused(bench(backend), "0", "--backend-memory 0: give more than nothing");
    if (backend != "int8-dsp") refused(bench(backend), "1M", "only int8-dsp has a memory");
  }
  refused({"inspect", net_}, "1M", "only int8-dsp has a memory");
  refused({"bench", "model.gguf"}, "1M", "only int8-dsp has a memory");
}

TEST_F(BackendCommands, InspectSharesOutWhatItIsAskedFor) {
  test::expect_refused(test::run_verge({"inspect", net_, "--backend", "auto"}), 2,
                       "--backend auto: this needs a name");
  test::expect_refused(test::run_verge({"inspect", "model.gguf", "--backend", "int8-dsp"}), 2,
                       "--backend is for ONNX networks");
  test::expect_refused(test::run_verge({"inspect", net_, "--shape", "x=64x2"}), 2,
                       "give --backend as well");
  test::expect_refused(test::run_verge({"inspect", "model.gguf", "--value", "x=1"}), 2,
                       "--value says for which inputs");
}

// What it says is for networks that are run, not for descriptions and pictures.
TEST_F(BackendCommands, TheConfigurationFileAsksNoMoreThanItCan) {
  const std::string config = folder_.add(
      "config.toml",
      "[inspect]\nbackend = \"int8-dsp\"\n[run]\nbackend = \"auto\"\nbackend-memory = \"1M\"\n");
  const auto json = test::run_json({"--config", config, "inspect", net_});
  EXPECT_EQ(json["format"], "onnx");
  const auto ran = test::run_verge({"--config", config, "run", net_, folder_.add("p.png", "x")});
  EXPECT_EQ(ran.err.find("--backend"), std::string::npos) << ran.err;
}

TEST_F(BackendCommands, NothingIsSharedOutUnasked) {
  const auto json = test::run_json(bench("cpu"));
  EXPECT_EQ(json["partition"]["backend"], "");
  EXPECT_EQ(json["backend_bytes"], 0);
}

TEST_F(BackendCommands, ADeviceForIntegersLeavesFloatsToTheCpu) {
  const auto json = test::run_json(bench("int8-dsp"));
  EXPECT_EQ(json["partition"]["backend"], "int8-dsp");
  EXPECT_EQ(json["partition"]["delegated_nodes"], 0);
  EXPECT_FALSE(json["partition"]["stayed"].empty());
  EXPECT_NE(json["command"].get<std::string>().find("--backend int8-dsp"), std::string::npos);
}

TEST_F(BackendCommands, AutoKeepsWhatItMeasured) {
  if (!backends::make_onednn()) GTEST_SKIP() << "libdnnl2 is not installed";
  auto command = bench("auto");
  command.emplace_back("--kernels");
  const auto first = test::run_json(command), second = test::run_json(command);
  ASSERT_EQ(first["kernels"].size(), 1u);
  EXPECT_NE(first["kernels"][0]["call"].get<std::string>().find("network of"), std::string::npos);
  EXPECT_TRUE(first["kernels"][0]["seconds"].contains("cpu"));
  EXPECT_TRUE(first["kernels"][0]["seconds"].contains("onednn"));
  const double cpu = first["kernels"][0]["seconds"]["cpu"];
  const double onednn = first["kernels"][0]["seconds"]["onednn"];
  for (const auto& json : {first, second}) {
    EXPECT_EQ(json["partition"]["backend"], onednn < cpu ? "onednn" : "");
  }
}

}  // namespace
}  // namespace verge::cli
