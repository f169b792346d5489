#include <csignal>
#include <filesystem>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <kept_variable.hpp>
#include <tiny_model.hpp>
#include <vision_networks.hpp>

#include <verge/cli/applied_delta.hpp>
#include <verge/cli/serve_options.hpp>
#include <verge/core/file.hpp>
#include <verge/engine/format/image/writer.hpp>
#include <verge/engine/format/npy/npy.hpp>

namespace verge::cli {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const std::string& path) {
  return *read_whole_file(path, size_t{1} << 26);
}

class AppliedDeltaTest : public testing::Test {
 protected:
  AppliedDeltaTest() { ::setenv("XDG_CACHE_HOME", cache_.c_str(), 1); }

  // Tiny models of two seeds: the same tensors with other values.
  std::string model(const std::string& name, uint64_t seed) const {
    ThreadPool pool(1);
    auto spec = *build::random_model_spec("tiny-llama");
    spec.seed = seed;
    EXPECT_TRUE(build::write_random_model(spec, folder_ / name, pool));
    return folder_ / name;
  }
  std::string diff(const std::string& base, const std::string& tuned) const {
    const test::Ran made =
        test::run_verge({"model", "diff", base, tuned, "-o", folder_ / "d.vdelta"});
    EXPECT_EQ(made.status, 0) << made.err;
    return folder_ / "d.vdelta";
  }
  std::string apply(const std::string& base, const std::string& delta,
                    const std::string& name) const {
    const test::Ran made = test::run_verge({"model", "apply", base, delta, "-o", folder_ / name});
    EXPECT_EQ(made.status, 0) << made.err;
    return folder_ / name;
  }
  bool is_cache_empty() const {
    const fs::path deltas = fs::path(cache_) / "verge/deltas";
    return !fs::exists(deltas) || fs::is_empty(deltas);
  }

  const test::Kept kept_{"XDG_CACHE_HOME"};
  test::TemporaryFolder folder_;
  const std::string cache_ = folder_ / "cache";
};

TEST_F(AppliedDeltaTest, RunsLikeTheModelThatApplyWrites) {
  const std::string base = model("base.gguf", 1), delta = diff(base, model("other.gguf", 2));
  const std::string before = bytes_of(base), tuned = apply(base, delta, "tuned.gguf");
  const auto tokens = [](std::vector<std::string> more) {
    std::vector<std::string> all = {"run", "-t", "1", "-n", "8", "--temp", "0", "-p", "hello"};
    all.insert(all.end(), more.begin(), more.end());
    return test::run_json(all)["tokens"];
  };
  EXPECT_EQ(tokens({base, "--delta", delta}), tokens({tuned}));
  EXPECT_NE(tokens({base, "--delta", delta}), tokens({base}));
  EXPECT_EQ(bytes_of(base), before);
  EXPECT_TRUE(is_cache_empty());
}

TEST_F(AppliedDeltaTest, AnotherBaseIsRefusedWithBothHashes) {
  const std::string base = model("base.gguf", 1), other = model("other.gguf", 2);
  const std::string delta = diff(base, other);
  const test::Ran refused = test::run_verge({"run", other, "--delta", delta, "-p", "hello"});
  test::expect_refused(refused, 1, "not the base that the delta was made against");
  test::expect_refused(refused, 1, "its tensors are ");
  test::expect_refused(refused, 1, "those of the base ");
  test::expect_refused(refused, 1, "use that");
  test::expect_refused(test::run_verge({"run", base, "--delta", base, "-p", "hello"}), 1,
                       "VERGEDLT");
  EXPECT_TRUE(is_cache_empty());
}

TEST_F(AppliedDeltaTest, NetworksRunWithItAsWell) {
  auto parts = test::small_onnx();
  const std::string base = folder_.add("a.onnx", test::onnx_file(parts));
  parts.constants[0] = test::onnx_tensor<float>("w", test::kOnnxFloat, {2, 3}, {1, 2, 3, 4, 9, 6});
  const std::string tuned = folder_.add("b.onnx", test::onnx_file(parts));
  const std::string delta = diff(base, tuned);
  Tensor x(DType::F32, {2, 2});
  for (size_t i = 0; i < 4; ++i) x.span<float>()[i] = static_cast<float>(i);
  ASSERT_TRUE(format::write_npy(folder_ / "x.npy", x.view()));
  const auto outputs = [&](std::vector<std::string> more) {
    std::vector<std::string> all = {"run", "--input", "x=" + (folder_ / "x.npy"), "--output-dir",
                                    folder_ / "out"};
    all.insert(all.end(), more.begin(), more.end());
    return bytes_of(test::run_json(all)["outputs"][0]["file"]);
  };
  EXPECT_EQ(outputs({base, "--delta", delta}), outputs({tuned}));
  EXPECT_NE(outputs({base, "--delta", delta}), outputs({base}));
}

TEST_F(AppliedDeltaTest, SettingsBesideANetworkHoldForWhatIsMadeOfIt) {
  const std::string base = folder_.add("net.onnx", test::onnx_file(test::colour_classifier()));
  const std::string delta = diff(base, base);
  folder_.add("net.toml", "labels = ['red', 'green', 'blue']\n");
  ASSERT_TRUE(format::write_image(folder_ / "a.png", test::plain_picture(20, 30, {0, 255, 0})));
  const auto json = test::run_json({"run", base, folder_ / "a.png", "--delta", delta, "-t", "1"});
  EXPECT_EQ(json["classes"][0]["label"], "green");
}

TEST_F(AppliedDeltaTest, ServedModelsKeepTheirNames) {
  const std::string base = model("base.gguf", 1), delta = diff(base, model("other.gguf", 2));
  const std::string tuned = apply(base, delta, "tuned.gguf");
  std::ostringstream out, err;
  Context context{.out = out, .err = err, .root = nullptr, .quiet = true};
  ServeOptions options;
  options.threads.threads = 1;
  options.models = {base, "law=" + base};
  {
    const auto applied = apply_deltas({"law=" + delta}, options.models, context);
    ASSERT_TRUE(applied) << applied.error().message;
    const auto server = options.server_options();
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_EQ(server->models[0].name, "base");
    EXPECT_EQ(server->models[0].path, base);
    EXPECT_EQ(server->models[1].name, "law");
    EXPECT_EQ(bytes_of(server->models[1].path), bytes_of(tuned));
    const fs::path made = server->models[1].path;
    EXPECT_TRUE(made.string().starts_with(cache_ + "/verge/deltas/")) << made;
    EXPECT_EQ(fs::status(made).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(fs::status(made.parent_path()).permissions(), fs::perms::owner_all);
    const Error shown = applied->front().in_terms_of_base({Code::Io, made.string() + ": gone"});
    EXPECT_EQ(shown.message, base + " with " + delta + ": gone");
  }
  EXPECT_TRUE(is_cache_empty());
  options.models = {base};
  const auto first = apply_deltas({delta}, options.models, context);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(options.models[0], "base=" + first->front().path());
  options.models = {base, base};
  EXPECT_EQ(apply_deltas({delta}, options.models, context).error().code, Code::InvalidArgument);
  std::vector<std::string> none;
  EXPECT_EQ(apply_deltas({delta}, none, context).error().code, Code::InvalidArgument);
  options.models = {base};
  const auto unknown = apply_deltas({"other=" + delta}, options.models, context);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("no model other is served; there are base"),
            std::string::npos);
}

TEST_F(AppliedDeltaTest, OfSeveralDeltasTheLastModelStays) {
  const std::string base = model("base.gguf", 1), other = model("other.gguf", 2);
  const std::string there = diff(base, other);
  fs::rename(there, folder_ / "there.vdelta");
  const std::string back = diff(other, base);
  std::ostringstream out, err;
  Context context{.out = out, .err = err, .root = nullptr, .quiet = true};
  std::vector<std::string> models = {base};
  const auto applied = apply_deltas({folder_ / "there.vdelta", back}, models, context);
  ASSERT_TRUE(applied) << applied.error().message;
  ASSERT_EQ(applied->size(), 1u);
  EXPECT_EQ(bytes_of(applied->front().path()), bytes_of(base));
  EXPECT_EQ(applied->front().shown(),
            base + " with " + (folder_ / "there.vdelta") + " with " + back);
  const fs::directory_iterator left(fs::path(cache_) / "verge/deltas");
  EXPECT_EQ(std::distance(fs::begin(left), fs::end(left)), 1);
  models = {base};
  const auto twice =
      apply_deltas({folder_ / "there.vdelta", folder_ / "there.vdelta"}, models, context);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message.find(cache_), std::string::npos) << twice.error().message;
}

TEST_F(AppliedDeltaTest, WithoutACacheFolderItIsRefused) {
  const test::Kept home("HOME");
  const std::string base = model("base.gguf", 1), delta = diff(base, base);
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  test::expect_refused(test::run_verge({"run", base, "--delta", delta, "-p", "hello"}), 1,
                       "set XDG_CACHE_HOME or HOME");
}

TEST_F(AppliedDeltaTest, InterruptsDoWhatTheyDidBefore) {
  const std::string base = model("base.gguf", 1), delta = diff(base, base);
  std::ostringstream out, err;
  Context context{.out = out, .err = err, .root = nullptr, .quiet = true};
  const auto before = std::signal(SIGINT, SIG_IGN);
  const auto applied = AppliedDelta::make(base, delta, context);
  EXPECT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(std::signal(SIGINT, before), SIG_IGN);
}

TEST_F(AppliedDeltaTest, WhatNeedsNoModelIsToldFirst) {
  const std::string base = model("base.gguf", 1);
  test::expect_refused(test::run_verge({"run", base, "--delta", folder_ / "none"}), 2,
                       "needs --prompt");
  test::expect_refused(test::run_verge({"run", folder_ / "none.onnx", "--delta", folder_ / "none"}),
                       2, "--output-dir");
}

}  // namespace
}  // namespace verge::cli
