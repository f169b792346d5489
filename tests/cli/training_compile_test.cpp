#include <filesystem>
#include <set>

#include <vision_networks.hpp>

#include <verge/core/file.hpp>
#include <verge/engine/format/image/writer.hpp>
#include <verge/engine/kernels/isa.hpp>

#include "tuning_case.hpp"

namespace verge::cli {
namespace {

class TrainingCompile : public TuningCase {};

TEST_F(TrainingCompile, SaysWhatAStepUpdatesAndTakes) {
  const auto json =
      test::run_json(compile({"--scheme", "last:1", "--batch", "4", "--report", folder_ / "r.html",
                              "--save-scheme", folder_ / "s.json"}));
  test::expect_fields(json, {"parameters", "optimizer", "memory", "flops", "step_ms", "passes"});
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_LT(json["flops"]["backward"], json["flops"]["full"]);
  EXPECT_GE(json["overhead"], 0);
  EXPECT_LT(json["overhead"], 1);
  EXPECT_TRUE(json["scheme_by"].is_null());
  EXPECT_GT(json["memory"]["unshared_bytes"], json["memory"]["arena_bytes"]);
  EXPECT_GE(json["memory"]["arena_bytes"], json["memory"]["lower_bound_bytes"]);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "r.html"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "s.json"));
  const test::Ran text = test::run_verge(compile({"--scheme", folder_ / "s.json"}));
  EXPECT_NE(text.out.find("updates"), std::string::npos) << text.err;
  EXPECT_NE(text.out.find("wrote " + plan_), std::string::npos);
}

TEST_F(TrainingCompile, StaysBelowItsMemoryOrNamesWhatItNeeds) {
  const auto json = test::run_json(compile({"--memory", "512KiB"}));
  EXPECT_LE(json["memory"]["total_bytes"], 512 << 10);
  test::expect_refused(test::run_verge(compile({"--scheme", "full", "--memory", "10KiB"})), 1,
                       "the peak is at");
  test::expect_refused(test::run_verge(compile({"--scheme", "most"})), 2, "no scheme \"most\"");
  folder_.add("other.json", R"({"model": "0123", "layers": {}})");
  test::expect_refused(test::run_verge(compile({"--scheme", folder_ / "other.json"})), 1,
                       "for the model 0123");
}

TEST_F(TrainingCompile, KernelsAreOfTheInstructionSetThatIsNamed) {
  EXPECT_EQ(test::run_json(compile({"--scheme", "head", "--isa", "generic"}))["isa"], "generic");
  test::expect_refused(test::run_verge(compile({"--isa", "sse"})), 2, "this machine runs up to");
}

TEST_F(TrainingCompile, ProductsMayBeOfBf16) {
  const test::Ran ran = test::run_verge(compile({"--precision", "bf16", "--profile"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("scheme      auto: everything"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("% of that step is in no node"), std::string::npos) << ran.out;
  test::expect_refused(test::run_verge(compile({"--precision", "f16"})), 2, "--precision");
  test::expect_refused(
      test::run_verge(compile({"--int8", "--calibrate", data_, "--precision", "bf16"})), 2,
      "leave --precision out");
}

TEST_F(TrainingCompile, TimesTheWaysOfConvolutionsAndGradientsOnceAMachine) {
  const auto times = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--scheme", "bias", "--kernels"});
    return test::run_json(compile(std::move(more)))["kernels"];
  };
  const auto first = times({});
  std::set<std::string> ops;
  for (const auto& call : first) {
    const std::string described = call["call"];
    ops.insert(described.substr(0, described.find(' ')));
    test::expect_fields(call["seconds"], {"direct", "winograd2", "winograd4"});
  }
  EXPECT_EQ(ops, (std::set<std::string>{"conv2d", "conv2d_grad_input"}));
  EXPECT_EQ(times({}), first);  // as they are known
  if (kernels::best_isa() != kernels::Isa::Generic) {
    EXPECT_NE(times({"--isa", "generic"}), first);
  }
  EXPECT_EQ(times({}), first);
  const test::Ran text = test::run_verge(compile({"--kernels"}));
  EXPECT_NE(text.out.find("kernels, timed on this machine"), std::string::npos) << text.out;
  test::expect_refused(test::run_verge(compile({"--kernels", "--without", "time_kernels"})), 2,
                       "leave one of them out");
  test::expect_refused(test::run_verge({"compile", model_, "--train", "--kernels", "--emit", "c",
                                        "-o", folder_ / "net.c"}),
                       2, "--kernels is of a plan");
}

TEST_F(TrainingCompile, AStepMayBeOfSeveralPasses) {
  const auto whole = test::run_json(compile({"--scheme", "bias", "--batch", "8"}));
  const auto parts =
      test::run_json(compile({"--scheme", "bias", "--batch", "2", "--accumulate", "4"}));
  EXPECT_EQ(parts["accumulate"], 4);
  EXPECT_LT(parts["memory"]["total_bytes"], whole["memory"]["total_bytes"]);
  EXPECT_NEAR(parts["flops"]["backward"], whole["flops"]["backward"],
              0.05 * whole["flops"]["backward"].get<double>());
  EXPECT_GE(parts["overhead"], 0);  // less: its nodes are of more passes than the step
  const auto tuned = test::run_json({"fit", "tune", "--plan", plan_, "--data", data_, "-t", "1",
                                     "-o", folder_ / "mine.safetensors"});
  EXPECT_GT(tuned["steps"], 0);
  test::expect_refused(
      test::run_verge(compile({"--accumulate", "2", "--int8", "--calibrate", data_})), 1,
      "leave --accumulate out");
  test::expect_refused(test::run_verge({"compile", model_, "--train", "--accumulate", "2", "--emit",
                                        "c", "-o", folder_ / "net.c"}),
                       1, "has no C yet");
}

TEST_F(TrainingCompile, ItsOptionsAndThoseOfInferenceAreApart) {
  test::expect_refused(test::run_verge(compile({"--emit", "c"})), 2, "ends in .c");
  test::expect_refused(test::run_verge(compile({"--target", "aarch64"})), 2, "is for --emit elf");
  test::expect_refused(test::run_verge(compile({"--shape", "x=1x1x28x28"})), 2,
                       "--shape is for ONNX networks");
  test::expect_refused(test::run_verge({"compile", model_, "-o", plan_, "--scheme", "full"}), 2,
                       "--scheme is of training; add --train");
}

TEST_F(TrainingCompile, MakesANetworkOfLevelsAndTrainsIt) {
  const auto json = test::run_json(compile({"--int8", "--calibrate", data_, "--scheme", "full"}));
  const std::string levels = json["network"];
  EXPECT_TRUE(std::filesystem::exists(levels));
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_GT(json["memory"]["peak_types"].size(), 1u);
  EXPECT_GT(json["memory"]["most_f32_bytes"], 0);
  const auto real = test::run_json(compile({"--scheme", "full", "--optimizer", "sgd"}));
  EXPECT_LT(json["memory"]["total_bytes"], real["memory"]["total_bytes"]);
  // The network of levels is a model itself.
  const test::Ran again =
      test::run_verge({"compile", levels, "--train", "-t", "1", "--scheme", "head", "-o", plan_});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("trains " + levels), std::string::npos);
}

TEST_F(TrainingCompile, TrainingIn8BitsSaysWhatItNeeds) {
  test::expect_refused(test::run_verge(compile({"--int8"})), 2, "give --calibrate PICTURES");
  test::expect_refused(test::run_verge(compile({"--calibrate", data_})), 2, "add --int8");
  test::expect_refused(test::run_verge(compile({"--remainders"})), 2, "add --int8");
  test::expect_refused(test::run_verge({"compile", model_, "-o", plan_, "--int8"}), 2,
                       "--int8 is of training; add --train");
}

// From an f32 classifier to one of levels, which learns, is measured and can be compiled again.
TEST_F(TrainingCompile, AClassifierLearnsInEightBits) {
  const std::string levels = folder_ / "levels.safetensors", tuned = folder_ / "mine.safetensors";
  const auto json =
      test::run_json(compile({"--int8", "--calibrate", data_, "--int8-out", levels, "--scheme",
                              "full", "--batch", "4", "--remainders", "--unscaled"}));
  EXPECT_EQ(json["optimizer"], "sgd, weight decay 0.01, unscaled levels, remainders of levels");
  EXPECT_GT(json["memory"]["state_bytes"], 0);
  ASSERT_EQ(
      test::run_verge(compile({"--int8", "--calibrate", data_, "--scheme", "full", "--batch", "4"}))
          .status,
      0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "net.int8.safetensors"));
  const auto run = test::run_json({"fit", "tune", "--plan", plan_, "--data", data_, "-o", tuned,
                                   "--epochs", "6", "--lr", "0.05", "-t", "1", "--quiet"});
  EXPECT_LT(run["last_loss"], run["first_loss"]);
  const auto before = read_whole_file(folder_ / "net.int8.safetensors", 1 << 24),
             after = read_whole_file(tuned, 1 << 24);
  ASSERT_TRUE(before);
  ASSERT_TRUE(after);
  EXPECT_NE(*before, *after);
  EXPECT_EQ(test::run_verge({"compile", tuned, "--train", "--int8", "-t", "1", "-o", plan_}).status,
            0);
  test::expect_refused(
      test::run_verge(compile({"--int8", "--calibrate", data_, "--int8-out", model_})), 2,
      "is read and would be written");
  test::expect_refused(test::run_verge(compile({"--int8"})), 2, "give --calibrate PICTURES");
  test::expect_refused(test::run_verge(compile({"--unscaled"})), 2, "add --int8");
  const auto with_momentum =
      test::run_json(compile({"--int8", "--calibrate", data_, "--optimizer", "sgd", "--momentum",
                              "0.9", "--scheme", "last:1"}));
  EXPECT_EQ(with_momentum["optimizer"], "sgd, momentum 0.9");
  test::expect_refused(test::run_verge(compile({"--int8", "--calibrate", data_, "--optimizer",
                                                "adamw", "--weight-decay", "0.1"})),
                       1, "levels of 8 bits decay under plain sgd alone");
}

TEST_F(TrainingCompile, NetworksOfLevelsAreTimedRunAndJudged) {
  ASSERT_EQ(test::run_verge(compile({"--int8", "--calibrate", data_, "--method", "entropy",
                                     "--scheme", "full"}))
                .status,
            0);
  const std::string levels = folder_ / "net.int8.safetensors";
  const auto bench = test::run_json(
      {"bench", levels, "--shape", "images=3x1x28x28", "-t", "1", "--repeat", "2", "--profile"});
  EXPECT_GT(bench["median_ms"], 0);
  EXPECT_EQ(bench["reference_nodes"], nlohmann::json::array());
  EXPECT_NE(bench["profile"].dump().find("conv2d_int8"), std::string::npos);
  test::expect_refused(test::run_verge({"bench", levels, "--shape", "images=3x1x28x27", "-t", "1"}),
                       2, "give --shape images=BATCHx1x28x28");
  const std::string picture = folder_ / "a.png";
  ASSERT_TRUE(format::write_image(picture, test::plain_picture(28, 28, {200, 200, 200})));
  const auto answer = test::run_json({"run", levels, picture, "-t", "1"});
  EXPECT_NE(answer.dump().find("a.png"), std::string::npos);
  const test::TemporaryFolder images;
  const std::string labels("\0\1\2\3\4\5\6\7\10\11", 10);
  test::add_idx_files(images, 28, 28, labels, labels);
  const auto judged =
      test::run_json({"train", "image", images.path(), "--evaluate", levels, "-t", "1"});
  EXPECT_EQ(judged["images"], 10);
  test::expect_refused(test::run_verge(compile({"--method", "entropy"})), 2, "add --int8");
}

TEST_F(TrainingCompile, TheReportIsWellFormed) {
  const std::string report = folder_ / "a&b.html";
  ASSERT_EQ(test::run_verge({"compile", model_, "--train", "-t", "1", "--scheme", "head", "-o",
                             folder_ / "<p>.vplan", "--report", report})
                .status,
            0);
  const auto text = read_whole_file(report, 1 << 24);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("&lt;p&gt;.vplan"), std::string::npos);
  EXPECT_EQ(text->find("<p>"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
