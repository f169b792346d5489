#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/text/bpe_trainer.hpp>
#include <verge/stages/build/train_lm/export.hpp>

#include "temporary_folder.hpp"

namespace verge::build {
namespace {

TEST(ExportLm, MatricesTakeTheTypeAndVectorsStayF32) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  nn::DecoderConfig config;
  config.layers = 2;
  config.exit_layers = {1};
  Tensor matrix(DType::F32, {4, 32}), vector(DType::F32, {5}), exit(DType::F32, {2});
  for (float& value : matrix.span<float>()) value = 0.25f;
  exit.span<float>()[1] = 3;
  const auto vocabulary = text::train_bpe("some text", {.tokens = 257});
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  const LmExport model{config,
                       *vocabulary,
                       {{"m.weight", matrix.view()},
                        {"v.weight", vector.view()},
                        {"exit.1.norm.weight", exit.view()}},
                       DType::Q8_0,
                       {{"seed", "1"}}};
  ASSERT_TRUE(export_lm(model, folder / "m.gguf", pool));
  const auto file = format::Gguf::open(folder / "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->find("m.weight")->dtype, DType::Q8_0);
  EXPECT_EQ(file->find("v.weight")->dtype, DType::F32);
  EXPECT_EQ(file->tensors().size(), 2u);
  EXPECT_EQ((*file->metadata().get_array<float>("verge.exit.1.norm"))[1], 3.0f);
  std::vector<float> row(32);
  quant::dequantize_row(DType::Q8_0, file->find("m.weight")->bytes.data(), row.data(), 32);
  EXPECT_NEAR(row[7], 0.25f, 1e-3);
}

}  // namespace
}  // namespace verge::build
