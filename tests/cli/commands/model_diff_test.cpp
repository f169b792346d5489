#include <small_disk.hpp>

#include "../tuning_case.hpp"

namespace verge::cli {
namespace {

class ModelDelta : public TuningCase {
 protected:
  // Trains and writes tuned_ and what the run says changed.
  nlohmann::json tune(const std::string& scheme) {
    EXPECT_EQ(test::run_verge(compile({"--scheme", scheme, "--batch", "8"})).status, 0);
    return test::run_json({"fit", "tune", "--plan", plan_, "--data", data_, "-o", tuned_, "--delta",
                           of_run_, "-t", "1", "--epochs", "2"});
  }
  test::Ran diff(const std::string& base, const std::string& tuned) const {
    return test::run_verge({"model", "diff", base, tuned, "-o", delta_});
  }
  test::Ran apply(const std::string& base, const std::string& delta) const {
    return test::run_verge({"model", "apply", base, delta, "-o", again_});
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::string tuned_ = folder_ / "tuned.safetensors", of_run_ = folder_ / "run.vdelta",
                    delta_ = folder_ / "d.vdelta", again_ = folder_ / "again.safetensors";
};

TEST_F(ModelDelta, BaseAndDeltaAreTheTunedFile) {
  const auto tuned = tune("bias");
  const auto made = test::run_json({"model", "diff", model_, tuned_, "-o", delta_});
  EXPECT_EQ(made["changed_bytes"], tuned["delta_bytes"]);
  EXPECT_EQ(made["delta_file_bytes"], std::filesystem::file_size(delta_));
  EXPECT_LT(made["delta_file_bytes"], std::filesystem::file_size(tuned_) / 5);
  const auto applied = test::run_json({"model", "apply", model_, delta_, "-o", again_});
  EXPECT_EQ(applied["changed_tensors"], made["changed_tensors"]);
  EXPECT_EQ(content(again_), content(tuned_));
  const auto shown = test::run_json({"inspect", delta_});
  EXPECT_EQ(shown["changed_tensors"], made["changed_tensors"]);
  EXPECT_GT(shown["metadata_bytes"], 0);  // the lineage of the tuned file
}

// What the run wrote straight away: the same tensors, the base's metadata.
TEST_F(ModelDelta, TheDeltaOfARunMakesItsModel) {
  const auto tuned = tune("bias");
  EXPECT_EQ(tuned["delta"]["delta_file_bytes"], std::filesystem::file_size(of_run_));
  const test::Ran applied = apply(model_, of_run_);
  EXPECT_EQ(applied.status, 0) << applied.err;
  EXPECT_NE(applied.out.find("tensors changed"), std::string::npos) << applied.out;
  EXPECT_EQ(test::run_json({"model", "diff", again_, tuned_, "-o", delta_})["changed_tensors"], 0);
  EXPECT_EQ(test::run_json({"inspect", of_run_})["metadata_bytes"], 0);
}

TEST_F(ModelDelta, RefusesAnotherBaseAndDamagedFiles) {
  tune("bias");
  ASSERT_EQ(diff(model_, tuned_).status, 0);
  test::expect_refused(apply(tuned_, delta_), 1, "not the base that the delta was made against");
  test::expect_refused(apply(model_, model_), 1, "VERGEDLT");
  const std::string whole = content(delta_);
  for (const size_t length : {whole.size() - 1, whole.size() / 2, size_t{20}}) {
    test::expect_refused(apply(model_, folder_.add("cut", whole.substr(0, length))), 1, "damaged");
  }
  EXPECT_FALSE(std::filesystem::exists(again_));
  test::expect_refused(diff(model_, data_), 1, "not a GGUF, safetensors or ONNX file");
  test::expect_refused(test::run_verge({"model", "diff", model_, tuned_, "-o", model_}), 2,
                       "is read and would be written");
  test::expect_refused(test::run_verge({"model", "apply", model_, delta_, "-o", delta_}), 2,
                       "is read and would be written");
  EXPECT_EQ(test::run_verge({"model", "diff", model_, tuned_}).status, 2);
  EXPECT_EQ(test::run_verge({"model", "apply", model_, "-o", again_}).status, 2);
}

TEST_F(ModelDelta, AFullDiskLeavesTheOldFile) {
  tune("bias");
  ASSERT_EQ(diff(model_, tuned_).status, 0);
  folder_.add("again.safetensors", "old");
  const test::SmallDisk disk(1000);
  test::expect_refused(apply(model_, delta_), 1, "again.safetensors");
  test::expect_refused(diff(tuned_, model_), 1, "d.vdelta");
  EXPECT_EQ(content(again_), "old");
}

TEST_F(ModelDelta, HelpHasExamples) {
  for (const char* command : {"diff", "apply"}) {
    const test::Ran help = test::run_verge({"model", command, "--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_NE(help.out.find("verge model apply digits.safetensors mine.vdelta"), std::string::npos);
  }
}

}  // namespace
}  // namespace verge::cli
