// The command lines of docs/guide.md, run by a shell in a folder that has the shipped model and
// some text: all that need no more than that end well.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <paths.hpp>
#include <temporary_folder.hpp>

namespace verge {
namespace {

namespace fs = std::filesystem;

// Parts of the lines that need more than that.
const std::pair<const char*, const char*> kOthers[] = {
    {"--lora", "an adapter of the model"},
    {"--draft small.gguf", "two models"},
    {"verge serve", "runs until it is told to end: tests/cli/commands/serve_test.cpp"},
    {"verge node start", "runs until it is told to end: tests/cli/commands/node_test.cpp"},
    {"classifier.onnx", "a network: tests/cli/picture_run_test.cpp"},
    {"yolo.onnx", "a network: tests/stages/serve/vision/picture_runner_test.cpp"},
    {"det.onnx", "networks from npm: tests/networks/pictures.mjs"},
    {"digits.safetensors digits/", "a trained network: tests/cli/picture_run_test.cpp"},
    {"mine.int8.safetensors digits/", "a tuned network: tests/cli/training_compile_test.cpp"},
    {"mine.onnx", "a tuned network: tests/cli/commands/fit_tune_test.cpp"},
    {"net.onnx", "a network: tests/cli/network_run_test.cpp"},
    {"--emit c", "a trained network: tests/cli/network_emit_test.cpp"},
    {"--cloud", "another machine: scripts/two-nodes"},
    {"node join", "another machine"},
    {"node doctor", "another machine"},
    {"node stats", "another machine: tests/cli/commands/node_bench_test.cpp"},
    {"key revoke", "a key's id, which is drawn: tests/cli/commands/key_test.cpp"},
    {"verge bench", "two cores, and takes long"},
    {"fit evaluate", "texts and tasks from elsewhere"},
    {"fit exits", "a long text: tests/cli/exit_policy_test.cpp"},
    {"train lm", "takes minutes"},
    {"--train", "a trained model: tests/cli/training_compile_test.cpp"},
    {"--delta law.vdelta", "a tuned model: tests/cli/applied_delta_test.cpp"},
    {"d.vdelta", "a tuned model: tests/cli/commands/model_diff_test.cpp"},
    {"fit tune", "a plan and data: tests/cli/commands/fit_tune_test.cpp"},
    {"fit scheme", "takes minutes: tests/cli/commands/fit_scheme_test.cpp"},
    {"verge explain", "a plan: tests/cli/commands/explain_test.cpp"},
    {"adapt exits", "a model without heads: tests/cli/commands/adapt_exits_test.cpp"},
    {"node_modules", "data from npm"},
    {"build random", "half a gigabyte"},
    {"man -l", "a reader of manual pages"},
    {"curl", "a server"},
    {"npm install", "the network"},
};

const char* reason_of(const std::string& line) {
  for (const auto& [part, reason] : kOthers) {
    if (line.find(part) != std::string::npos) return reason;
  }
  return nullptr;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> command_lines() {
  std::ifstream guide(test::source_file("docs/guide.md"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(guide, line);) {
    for (const char* start : {"    verge ", "    echo ", "    curl ", "    npm "}) {
      if (line.starts_with(start)) lines.push_back(line.substr(4));
    }
  }
  return lines;
}

class GuideCommands : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(program_)) GTEST_SKIP() << "the program is not built";
    const std::string model = test::source_file("models/verge-lm.gguf");
    fs::create_directories(folder_ / ".local/share/bash-completion/completions");
    fs::create_directories(folder_ / "bin");
    fs::create_symlink(program_, folder_ / "bin/verge");
    for (const char* name : {"model.gguf", "qwen2.5-0.5b-q4_0.gguf"}) {
      fs::create_symlink(model, folder_ / name);
    }
    folder_.add("book.txt", "And Moses went up into the mount of God.\n");
    folder_.add("article.txt", "In the beginning God created the heaven and the earth.\n");
    folder_.add("config.toml", "[run]\ntokens = 4\n[chat]\ntokens = 4\n");
    ::setenv("HOME", folder_.path().c_str(), 1);
    ::setenv("VERGE_HOME", (folder_ / "store").c_str(), 1);
    ::setenv("VERGE_CONFIG", (folder_ / "config.toml").c_str(), 1);
    ::setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1);
    ::setenv("PATH", (folder_ / "bin:" + std::getenv("PATH")).c_str(), 1);
  }

  int run(const std::string& line) {
    folder_.add("line.sh", "cd '" + folder_.path() + "'\n" + line + "\n");
    const std::string command = "timeout 120 sh '" + (folder_ / "line.sh") + "' > '" +
                                (folder_ / "out") + "' 2>&1 < /dev/null";
    return std::system(command.c_str());
  }

  std::string program_ = std::string(test::kBinaryDirectory) + "/verge";
  test::TemporaryFolder folder_;
};

TEST_F(GuideCommands, ThatNeedOnlyTheShippedModelEndWell) {
  int ran = 0;
  for (const std::string& line : command_lines()) {
    if (reason_of(line) != nullptr) continue;
    EXPECT_EQ(run(line), 0) << line << "\n" << text_of(folder_ / "out");
    ++ran;
  }
  EXPECT_GE(ran, 20);
}

TEST(GuideCommandList, HasNoReasonForLinesThatAreGone) {
  const std::vector<std::string> lines = command_lines();
  for (const auto& [part, reason] : kOthers) {
    const bool used = std::ranges::any_of(lines, [part = part](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
    EXPECT_TRUE(used) << part << ": " << reason;
  }
}

}  // namespace
}  // namespace verge
