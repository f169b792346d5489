#include <verge/engine/model/model_weights.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

TEST(ModelWeights, MatricesStayInTheFileAndVectorsAreCopied) {
  const test::TemporaryFolder folder;
  const auto source = format::ModelSource::open(
      test::write_model(folder, test::wide_spec("tiny-llama"), DType::Q8_0));
  runtime::WeightStore weights;
  ASSERT_TRUE(add_weights(*source, {}, weights));
  for (const format::StoredTensor& tensor : source->tensors()) {
    const auto native = weights.native(tensor.name);
    ASSERT_TRUE(native) << native.error().message;
    EXPECT_EQ(native->shape, tensor.shape);
    EXPECT_EQ(native->dtype, *tensor.dtype);
    const bool is_in_file = native->as<std::byte>() == tensor.bytes.data();
    EXPECT_EQ(is_in_file, tensor.shape.rank() > 1) << tensor.name;
    EXPECT_EQ(std::memcmp(native->data, tensor.bytes.data(), tensor.bytes.size()), 0);
  }
}

TEST(ModelWeights, OnlyTheLayersThatAreAskedFor) {
  const test::TemporaryFolder folder;
  const auto source =
      format::ModelSource::open(test::write_model(folder, test::tiny_spec("tiny-llama")));
  runtime::WeightStore weights;
  ASSERT_TRUE(add_weights(*source, {0, 1}, weights));
  EXPECT_TRUE(weights.native("blk.0.attn_q.weight"));
  EXPECT_FALSE(weights.native("blk.1.attn_q.weight"));
}

}  // namespace
}  // namespace verge::model
