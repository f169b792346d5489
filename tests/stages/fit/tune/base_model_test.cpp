#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

TEST(BaseModel, OfAClassifierHasItsWeightsAndALoss) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  EXPECT_EQ(base.kind, BaseKind::Classifier);
  EXPECT_NE(base.graph.find("logits"), graph::kNone);
  EXPECT_NE(base.graph.find("labels"), graph::kNone);
  EXPECT_EQ(base.weights.size(), nn::cnn_parameters(toy_config()).size());
  EXPECT_EQ(base.hash.size(), 16u);
  const auto other = open_base_model(write_toy_network(folder, 2), {.batch = 8});
  EXPECT_NE(other->hash, base.hash);
}

TEST(BaseModel, OfALanguageModelHasAllItsTensors) {
  const test::TemporaryFolder folder;
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"), DType::Q8_0);
  const auto base = open_base_model(path, {.batch = 2, .tokens = 16});
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_TRUE(base->is_language_model());
  EXPECT_TRUE(base->weights.contains("blk.0.attn_q.weight"));
}

TEST(BaseModel, RefusesWhatItCannotTrain) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const std::string& path, int64_t batch = 1) {
    const auto base = open_base_model(path, {.batch = batch});
    return base ? std::string("taken") : base.error().message;
  };
  EXPECT_NE(refusal(folder / "none.safetensors").find("none.safetensors"), std::string::npos);
  EXPECT_NE(refusal(write_toy_network(folder), 0).find("give 1 or more"), std::string::npos);
  const auto squared = open_base_model(write_toy_network(folder), {.squared_error = true});
  EXPECT_EQ(squared.error().code, Code::InvalidArgument);
  const BaseShape shaped{.inputs = {{"images", Shape{1, 1, 8, 8}, std::nullopt}}};
  EXPECT_NE(open_base_model(write_toy_network(folder), shaped).error().message.find("for ONNX"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::fit
