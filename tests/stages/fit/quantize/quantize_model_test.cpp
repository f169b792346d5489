#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/quant/dequantize.hpp>
#include <verge/stages/fit/quantize/quantize_model.hpp>

namespace verge::fit {
namespace {

std::vector<float> values_of(const format::ModelSource& source, std::string_view name) {
  const auto view = source.find(name)->view();
  std::vector<float> values(static_cast<size_t>(view->shape.count()));
  quant::dequantize_row(view->dtype, view->data, values.data(), view->shape.count());
  return values;
}

class QuantizeModel : public testing::Test {
 protected:
  Result<QuantizeReport> quantize(const std::string& in, const std::string& out,
                                  std::string_view recipe, std::string_view rule = "") {
    VERGE_TRY(const auto source, format::ModelSource::open(in));
    VERGE_TRY(Recipe chosen, make_recipe(recipe));
    if (!rule.empty()) VERGE_RETURN_IF_ERROR(chosen.add_override(rule));
    QuantizeOptions options{"verge test", "verge quantize", [&](const QuantizeProgress& progress) {
                              done_ = progress.done_values;
                              all_ = progress.all_values;
                            }};
    return quantize_model(source, chosen, out, options, pool_, SystemClock());
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  int64_t done_ = 0, all_ = -1;
};

TEST_F(QuantizeModel, TheReportIsWhatTheFileHolds) {
  const std::string in = test::tiny_model(folder_), out = folder_ / "out.gguf";
  const auto report = quantize(in, out, "Q8_0", "attn_v=Q4_0");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(done_, all_);
  const auto before = std::move(format::ModelSource::open(in).value());
  const auto after = std::move(format::ModelSource::open(out).value());
  double squared_error = 0, squares = 0;
  for (const TensorReport& tensor : report->tensors) {
    EXPECT_EQ(after.find(tensor.name)->dtype, tensor.choice.type) << tensor.name;
    const auto x = values_of(before, tensor.name), y = values_of(after, tensor.name);
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      sum += std::pow(static_cast<double>(x[i]) - y[i], 2);
      squares += static_cast<double>(x[i]) * x[i];
    }
    EXPECT_NEAR(tensor.error.rmse, std::sqrt(sum / static_cast<double>(x.size())), 1e-9);
    squared_error += sum;
  }
  EXPECT_NEAR(report->relative, std::sqrt(squared_error / squares), 1e-9);
  EXPECT_EQ(after.find("blk.0.attn_v.weight")->dtype, DType::Q4_0);
}

TEST_F(QuantizeModel, MetadataTellsWhereTheFileComesFrom) {
  const std::string in = test::tiny_model(folder_), out = folder_ / "out.gguf";
  ASSERT_TRUE(quantize(in, out, "Q4_K_M"));
  const auto after = std::move(format::ModelSource::open(out).value());
  EXPECT_EQ(*after.metadata.get_u32("general.file_type"), 15u);
  EXPECT_EQ(*after.metadata.get_string("general.quantized_by"), "verge test");
  EXPECT_EQ(*after.metadata.get_string("verge.lineage.command"), "verge quantize");
  EXPECT_TRUE(after.metadata.get_string("verge.lineage.source")->starts_with("xxh3:"));
  EXPECT_TRUE(after.metadata.contains("tokenizer.ggml.tokens"));
}

TEST_F(QuantizeModel, ANotANumberIsNamedAndTheOldFileStays) {
  const std::string in = test::tiny_model(folder_), bad = folder_ / "bad.gguf";
  const auto source = std::move(format::ModelSource::open(in).value());
  format::GgufWriter writer(source.metadata);
  std::vector<float> values = values_of(source, "blk.1.ffn_up.weight");
  values[97] = std::nanf("");
  for (const auto& tensor : source.tensors()) {
    if (tensor.name != "blk.1.ffn_up.weight") {
      ASSERT_TRUE(writer.add(tensor));
    } else {
      ASSERT_TRUE(
          writer.add(tensor.name, DType::F32, tensor.shape, std::as_bytes(std::span(values))));
    }
  }
  ASSERT_TRUE(writer.write(bad));
  const std::string out = folder_.add("out.gguf", "old");
  const auto report = quantize(bad, out, "Q8_0");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::Malformed);
  EXPECT_NE(report.error().message.find("blk.1.ffn_up.weight: value 97 (row 1, column 1) is nan"),
            std::string::npos)
      << report.error().message;
  std::ifstream file(out);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "old");
  EXPECT_EQ(folder_.entries(), 3u);
}

TEST_F(QuantizeModel, QuantizingTwiceIsSaid) {
  const std::string in = test::tiny_model(folder_), once = folder_ / "a", twice = folder_ / "b";
  EXPECT_FALSE(quantize(in, once, "Q8_0")->requantized);
  EXPECT_TRUE(quantize(once, twice, "Q4_0")->requantized);
  const auto copied = quantize(once, twice, "Q8_0");
  EXPECT_FALSE(copied->requantized);
  EXPECT_EQ(copied->rmse, 0);
}

}  // namespace
}  // namespace verge::fit
