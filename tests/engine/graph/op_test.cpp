#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include <verge/engine/graph/op.hpp>

#include "paths.hpp"

namespace verge::graph {
namespace {

// Operators that no gradient passes: gradients themselves, updates, integers, the KV cache, and
// what fusion and backends make after differentiation.
const std::set<std::string_view> kWithoutGradient = {"activation_grad",
                                                     "adamw",
                                                     "adamw_8bit",
                                                     "attention_grad",
                                                     "avg_pool2d_grad",
                                                     "batch_norm_grad",
                                                     "batch_norm_live_grad",
                                                     "block_channels",
                                                     "clip_factor",
                                                     "clip_grad",
                                                     "compare",
                                                     "conv2d_blocked",
                                                     "conv2d_grad_input",
                                                     "conv2d_grad_weight",
                                                     "copy",
                                                     "delegate",
                                                     "embedding_grad",
                                                     "expand_depthwise_int8",
                                                     "expert_linear_grad_input",
                                                     "expert_linear_grad_weight",
                                                     "gather_grad",
                                                     "geglu_grad",
                                                     "global_avg_pool_blocked",
                                                     "global_avg_pool_grad",
                                                     "group_norm_grad",
                                                     "kv_append",
                                                     "l2_norm",
                                                     "layer_norm_grad",
                                                     "level_mask",
                                                     "linear_glu",
                                                     "linear_multi",
                                                     "lion",
                                                     "log_softmax_grad",
                                                     "lookup_int8",
                                                     "max_pool2d_grad",
                                                     "mse_loss_grad",
                                                     "mul_int8",
                                                     "non_max_suppression",
                                                     "paged_attention",
                                                     "pool2d_blocked",
                                                     "quantize",
                                                     "reduce_mean_grad",
                                                     "requantize_grad",
                                                     "rms_norm_grad",
                                                     "rope_angles",
                                                     "round",
                                                     "scatter_channels",
                                                     "sgd",
                                                     "sgd_conv2d_int8",
                                                     "sgd_int8",
                                                     "sgd_matmul",
                                                     "softmax_grad",
                                                     "swiglu_grad",
                                                     "top_k_experts_grad",
                                                     "unblock_channels"};

// Operators that round: their gradients are those of the straight-through estimator, checked by
// differences in level_gradient_test.cpp.
const std::set<std::string_view> kStraightThrough = {"add_int8", "avg_pool2d_int8", "conv2d_int8",
                                                     "dequantize", "linear_int8"};

std::string read_test(const std::string& name) {
  std::ifstream file(std::filesystem::path(test::source_file("tests/engine/graph")) / name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string test_source(std::string_view op) {
  return read_test(fmt::format("ops/{}_test.cpp", op));
}

TEST(Op, TheTableIsSortedAndComplete) {
  EXPECT_TRUE(std::ranges::is_sorted(all_ops(), {}, &OpDef::name));
  for (const OpDef& op : all_ops()) {
    EXPECT_EQ(find_op(op.name), &op);
    EXPECT_NE(op.infer, nullptr) << op.name;
    EXPECT_NE(op.reference, nullptr) << op.name;
  }
  EXPECT_EQ(find_op("no_such_op"), nullptr);
}

TEST(Op, EveryGradientIsCheckedByDifferences) {
  for (const OpDef& op : all_ops()) {
    const std::string source = test_source(op.name);
    EXPECT_FALSE(source.empty()) << op.name << " has no test";
    EXPECT_EQ(op.gradient == nullptr, kWithoutGradient.contains(op.name)) << op.name;
    if (op.gradient == nullptr) continue;
    if (kStraightThrough.contains(op.name)) {
      EXPECT_NE(read_test("level_gradient_test.cpp").find(fmt::format("\"{}\"", op.name)),
                std::string::npos)
          << op.name << " has no gradient check";
      continue;
    }
    EXPECT_NE(source.find(fmt::format("expect_gradient(\"{}\"", op.name)), std::string::npos)
        << op.name << " has no gradient check";
  }
}

TEST(Op, CostWithoutARuleIsOneFlopAnElement) {
  float x[6] = {}, y[6] = {};
  const TensorView in[] = {{x, DType::F32, Shape{2, 3}}, {}};
  const TensorView out[] = {{y, DType::F32, Shape{2, 3}}};
  const Attrs attrs;
  const Cost cost = cost_of(*find_op("exp"), {in, out, attrs});
  EXPECT_EQ(cost.flops, 6);
  EXPECT_EQ(cost.bytes, 48);
}

}  // namespace
}  // namespace verge::graph
