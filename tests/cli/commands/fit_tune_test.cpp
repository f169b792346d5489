#include <cmath>
#include <filesystem>

#include <array_files.hpp>
#include <bert_onnx.hpp>

#include "../tuning_case.hpp"

namespace verge::cli {
namespace {

class FitTuneCommand : public TuningCase {};

TEST_F(FitTuneCommand, TunesByAPlanAndReports) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "bias", "--batch", "8"})).status, 0);
  const std::string out = folder_ / "out.safetensors";
  const auto json = test::run_json({"fit", "tune", "--plan", plan_, "--data", data_, "-o", out,
                                    "--delta", folder_ / "out.delta", "-t", "1", "--epochs", "2"});
  test::expect_fields(json, {"loss_before", "accuracy_after", "samples_per_s", "planned_bytes",
                             "peak_rss_bytes", "delta_bytes"});
  EXPECT_EQ(json["finished"], true);
  EXPECT_EQ(json["steps"], 12);
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_EQ(test::run_json({"inspect", out})["architecture"], "cnn");
}

TEST_F(FitTuneCommand, RefusesBadInput) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "head"})).status, 0);
  test::expect_refused(
      test::run_verge({"fit", "tune", "--plan", plan_, "--data", data_, "-t", "1"}), 2,
      "give --out FILE");
  test::expect_refused(test::run_verge({"fit", "tune", "--plan", model_, "--data", data_, "-o",
                                        folder_ / "x", "-t", "1"}),
                       1, model_);
  EXPECT_EQ(test::run_verge({"fit", "tune", "--data", data_}).status, 2);
}

std::vector<std::string> files_of(const std::string& place,
                                  std::initializer_list<const char*> names) {
  std::vector<std::string> arguments;
  for (const std::string name : names) {
    arguments.insert(arguments.end(), {"--input", name + "=" + place + "/" + name + ".npy"});
  }
  return arguments;
}

// A network of several inputs, from its file to a tuned one that runs.
struct Arrays {
  test::TemporaryFolder folder;
  const std::string net = folder / "net.onnx", plan = folder / "net.vplan",
                    tuned = folder / "tuned.onnx", answers = folder / "answers";

  nlohmann::json tune(std::vector<std::string> compiled, const std::string& data,
                      const std::string& rate) const {
    compiled.insert(compiled.begin(), {"compile", net, "--train", "-t", "1", "-o", plan});
    const auto json = test::run_json(std::move(compiled));
    EXPECT_GT(json["memory"]["arena_bytes"], 0);
    return test::run_json({"fit", "tune", "--plan", plan, "--data", data, "-o", tuned, "-t", "1",
                           "--steps", "150", "--lr", rate});
  }
  // The arrays that the tuned network makes of those in `data`.
  format::NpyArray run(const std::string& data, std::initializer_list<const char*> inputs,
                       const std::string& output) const {
    std::vector<std::string> arguments = files_of(data, inputs);
    arguments.insert(arguments.begin(), {"run", tuned, "-t", "1", "--output-dir", answers});
    const test::Ran ran = test::run_verge(std::move(arguments));
    EXPECT_EQ(ran.status, 0) << ran.err;
    return std::move(*format::read_npy(answers + "/" + output + ".npy"));
  }
};

TEST(FitTuneArrays, ARegressorOfTwoInputs) {
  const Arrays arrays;
  arrays.folder.add("net.onnx", test::onnx_file(test::regressor()));
  std::vector<double> a, c, y;
  Rng rng(2);
  for (int i = 0; i < 64; ++i) {
    a.insert(a.end(), {rng.normal(), rng.normal()});
    c.push_back(rng.normal());
    y.push_back(a[a.size() - 2] - a.back() + 2 * c.back() - 1);
  }
  test::write_array(arrays.folder / "a.npy", {64, 2}, a);
  test::write_array(arrays.folder / "c.npy", {64, 1}, c);
  test::write_array(arrays.folder / "target.npy", {64, 1}, y);
  const auto json =
      arrays.tune({"--batch", "4", "--loss", "mse", "--scheme", "full", "--optimizer", "sgd"},
                  arrays.folder.path(), "0.04");
  EXPECT_EQ(json["loss"], "mse");
  EXPECT_EQ(json["unit"], "samples");
  EXPECT_EQ(json["accuracy_after"], nullptr);
  EXPECT_LT(json["loss_after"], 0.1 * json["loss_before"].get<double>());
  const format::NpyArray found = arrays.run(arrays.folder.path(), {"a", "c"}, "y");
  ASSERT_EQ(found.tensor.shape(), Shape({64, 1}));  // its extents are open still
  double error = 0;
  for (size_t i = 0; i < 64; ++i) {
    error += std::pow(found.tensor.span<const float>()[i] - y[i], 2) / 64;
  }
  EXPECT_LT(error, 0.5);
}

TEST(FitTuneArrays, AnEncoderOfThreeInputs) {
  const Arrays arrays;
  arrays.folder.add("net.onnx", test::encoder_onnx());
  test::write_sentences(arrays.folder.path());
  const auto json =
      arrays.tune({"--shape", "input_ids=8x4", "--scheme", "last:1"}, arrays.folder.path(), "0.01");
  EXPECT_LT(json["loss_after"], json["loss_before"]);
  EXPECT_GE(json["accuracy_after"], json["accuracy_before"]);
  const auto found =
      arrays.run(arrays.folder.path(), {"input_ids", "attention_mask", "token_type_ids"}, "logits");
  EXPECT_EQ(found.tensor.shape(), Shape({120, 3}));
  const test::Ran why = test::run_verge({"explain", arrays.plan, "--tensor", "logits"});
  EXPECT_EQ(why.status, 0) << why.err;
  EXPECT_NE(why.out.find("logits"), std::string::npos);
}

TEST(FitTuneArrays, WhatIsMissingIsNamed) {
  const Arrays arrays;
  arrays.folder.add("net.onnx", test::encoder_onnx());
  test::expect_refused(
      test::run_verge({"compile", arrays.net, "--train", "-o", arrays.plan, "-t", "1"}), 2,
      "extent 1 of input_ids (\"sequence_length\") is open; give --shape input_ids=1x128");
  ASSERT_EQ(test::run_verge({"compile", arrays.net, "--train", "--shape", "input_ids=8x4", "-o",
                             arrays.plan, "-t", "1", "--scheme", "head"})
                .status,
            0);
  const auto refuse = [&](const std::string& data, const std::string& message) {
    test::expect_refused(test::run_verge({"fit", "tune", "--plan", arrays.plan, "--data", data,
                                          "-o", arrays.tuned, "-t", "1"}),
                         1, message);
  };
  test::write_sentences(arrays.folder.path());
  std::filesystem::remove(arrays.folder / "attention_mask.npy");
  refuse(arrays.folder.path(), "no attention_mask.npy for input \"attention_mask\"");
}

}  // namespace
}  // namespace verge::cli
