#pragma once
// A trained classifier and images of another size, for the commands that fine-tune.

#include <string>

#include <command_line.hpp>
#include <fmt/format.h>
#include <idx_files.hpp>
#include <kept_variable.hpp>

namespace verge::cli {

class TuningCase : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    std::string labels;
    for (int i = 0; i < 64; ++i) labels += static_cast<char>(i % 10);
    const test::TemporaryFolder images;
    test::add_idx_files(images, 28, 28, labels, labels.substr(0, 20));
    const test::Ran ran = test::run_verge({"train", "image", images.path(), "-t", "1", "--epochs",
                                           "1", "--batch", "16", "-o", model_, "--quiet"});
    ASSERT_EQ(ran.status, 0) << ran.err;
    std::string text;
    for (int i = 0; i < 60; ++i) {
      for (int p = 0; p < 64; ++p) text += fmt::format("{},", (i * 7 + p) % 17);
      text += fmt::format("{}\n", i % 10);
    }
    folder_.add("digits.csv", text);
  }
  std::vector<std::string> compile(std::vector<std::string> more) const {
    std::vector<std::string> all = {"compile", model_, "--train", "-t", "1", "-o", plan_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  const test::Kept cache_{"XDG_CACHE_HOME"};
  test::TemporaryFolder folder_;
  const std::string model_ = folder_ / "net.safetensors", plan_ = folder_ / "net.vplan",
                    data_ = folder_ / "digits.csv";
};

}  // namespace verge::cli
