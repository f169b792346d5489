// Kernels of training: products of floats, gradients, the loss and the optimizers' updates.

#include <gtest/gtest.h>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

const graph::Attrs kBf16{{"compute", std::string("bf16")}};

TEST(MatmulOps, EveryTransposition) {
  const graph::Attrs ta{{"transpose_a", int64_t{1}}}, tb{{"transpose_b", int64_t{1}}};
  for (const int64_t n : {1, 17, 70}) {
    expect_agreement({"matmul", {reals({2, 3, 19}), reals({19, n})}});
    expect_agreement({"matmul", {reals({5, 19}), reals({n, 19})}, tb});
    expect_agreement({"matmul", {reals({5, 3, 19}), reals({5, 3, n})}, ta});
    expect_agreement({"matmul", {reals({5, 64}), stored(DType::F32, {64, n})}, kBf16, 0.2});
  }
}

TEST(GradientOps, OfRowsAgree) {
  for (const graph::Dims& dims : {graph::Dims{5, 7}, {2, 3, 131}}) {
    const graph::Dims row = {dims.back()}, rows(dims.begin(), dims.end() - 1);
    const OpInput x = reals(dims), dy = reals(dims), rstd = positive(rows);
    expect_agreement({"rms_norm_grad", {x, reals(row), rstd, dy}});
    expect_agreement({"rms_norm_grad", {x, absent(), rstd, dy}, {}, 2e-4, {1}});
    for (const std::vector<size_t>& unread : {std::vector<size_t>{}, {0}, {1}}) {
      expect_agreement({"swiglu_grad", {x, reals(dims), dy}, {}, 2e-4, unread});
      expect_agreement({"geglu_grad", {x, reals(dims), dy}, {}, 2e-4, unread});
    }
    expect_agreement({"rms_norm_grad", {x, reals(row), rstd, dy}, {}, 2e-4, {0}});
    const OpInput mean = reals(rows);
    for (const std::vector<size_t>& unread : {std::vector<size_t>{}, {0}, {1}, {2}, {1, 2}}) {
      expect_agreement({"layer_norm_grad", {x, reals(row), mean, rstd, dy}, {}, 1e-3, unread});
    }
    expect_agreement({"softmax_grad", {positive(dims), dy}});
    expect_agreement({"log_softmax_grad", {x, dy}});
    expect_agreement({"clip_grad", {dy}, {{"max_norm", 0.5}}});
    expect_agreement({"clip_grad", {dy}, {{"max_norm", 1e6}}, 0});
    expect_agreement({"l2_norm", {dy}});
    expect_agreement({"mse_loss", {x, dy}});
    expect_agreement({"mse_loss_grad", {x, dy, given({}, {0.75})}});
  }
}

TEST(GradientOps, OfFrozenBatchNormAgree) {
  for (const graph::Dims& dims : {graph::Dims{2, 3, 5, 7}, {3, 17, 4, 4}}) {
    const graph::Dims channels = {dims[1]};
    const OpInput dy = reals(dims), scale = reals(channels), variance = positive(channels);
    expect_agreement({"batch_norm_grad", {dy, scale, variance}});
    for (const std::vector<size_t>& unread : {std::vector<size_t>{}, {0}, {1}, {2}}) {
      expect_agreement({"batch_norm_grad",
                        {dy, scale, variance, reals(dims), reals(channels)},
                        {},
                        2e-3,
                        unread});
    }
  }
}

TEST(UpdateOps, ChannelsGoBackIntoTheirParameter) {
  for (const int64_t axis : {0, 1, -1}) {
    graph::Dims part = {5, 6, 7};
    part[axis < 0 ? 2 : static_cast<size_t>(axis)] = 3;
    expect_agreement({"scatter_channels",
                      {reals({5, 6, 7}), reals(part), given({3}, {4, 0, 2}, DType::I32)},
                      {{"axis", axis}},
                      0});
  }
}

TEST(GradientOps, OfEmbeddingsAddRowsUp) {
  const graph::Attrs rows{{"dims", std::vector<int64_t>{4}}};
  for (const int64_t width : {3, 64}) {
    expect_agreement({"embedding_grad", {below(4, {2, 9}), reals({2, 9, width})}, rows});
  }
}

TEST(GradientOps, OfAttentionAgree) {
  for (const int64_t causal : {0, 1}) {
    const graph::Attrs attrs{{"scale", 0.3}, {"causal", causal}};
    const graph::Dims q = {2, 21, 4, 16}, kv = {2, 21, 2, 16};
    const auto forward = reference_of({"attention", {reals(q), reals(kv), reals(kv)}, attrs});
    for (const std::vector<size_t>& unread :
         {std::vector<size_t>{}, {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}}) {
      expect_agreement({"attention_grad",
                        {reals(q), reals(kv), reals(kv), given(q, forward[0]),
                         given({2, 4, 21}, forward[1]), reals(q)},
                        attrs,
                        2e-4,
                        unread});
    }
  }
}

TEST(GradientOps, OfAllTogetherAreShortenedAlike) {
  const std::vector<OpInput> sums = {positive({}), positive({}), positive({})};
  expect_agreement({"clip_factor", sums, {{"max_norm", 0.5}}});
  expect_agreement({"clip_factor", sums, {{"max_norm", 100.0}}, 0});
  expect_agreement({"l2_norm", {reals({3, 4097})}});
}

// Their squares are beyond f32, they are not.
TEST(GradientOps, GiantsAreShortenedToo) {
  std::vector<double> values(5000, 1e25);
  values[17] = -3e25;
  const OpInput giants = given({5, 1000}, values);
  expect_agreement({"clip_grad", {giants}, {{"max_norm", 2.0}}});
  EXPECT_NEAR(reference_of({"clip_grad", {giants}, {{"max_norm", 2.0}}})[0][0], 0.028, 0.001);
  expect_agreement({"l2_norm", {giants}});
  expect_agreement({"clip_factor", {given({}, {1e25}), given({}, {2e25})}, {{"max_norm", 1e25}}});
}

TEST(LossOps, RowsWithoutATargetDoNotCount) {
  const OpInput some = given({5}, {0, -1, 36, 7, -1}, DType::I32);
  const OpInput none = given({5}, {-1, -1, -1, -1, -1}, DType::I32);
  expect_agreement({"softmax_cross_entropy", {reals({5, 37}), some}});
  expect_agreement({"softmax_cross_entropy", {reals({5, 37}), some}, {}, 2e-4, {0}});
  expect_agreement({"softmax_cross_entropy", {reals({5, 37}), some}, {}, 2e-4, {1}});
  EXPECT_EQ(reference_of({"softmax_cross_entropy", {reals({5, 37}), none}})[0][0], 0);
  expect_agreement({"softmax_cross_entropy", {reals({5, 37}), none}});
}

TEST(OptimizerOps, AgreeWithTheirReferences) {
  const OpInput rate = given({}, {0.05});
  for (const graph::Dims& dims : {graph::Dims{1}, {3, 45}}) {
    const OpInput p = reals(dims), g = reals(dims), m = reals(dims), v = positive(dims);
    const graph::Attrs adam{{"beta1", 0.8}, {"beta2", 0.95}, {"eps", 1e-6}, {"weight_decay", 0.1}};
    for (const double step : {1.0, 7.0}) {
      expect_agreement({"adamw", {p, g, m, v, given({}, {step}, DType::I64), rate}, adam});
    }
    for (const int64_t nesterov : {0, 1}) {
      const graph::Attrs sgd{{"momentum", 0.9}, {"weight_decay", 0.1}, {"nesterov", nesterov}};
      expect_agreement({"sgd", {p, g, m, rate}, sgd});
      expect_agreement({"sgd", {p, g, absent(), rate}, sgd});
    }
    const graph::Attrs lion{{"beta1", 0.9}, {"beta2", 0.95}, {"weight_decay", 0.1}};
    expect_agreement({"lion", {p, g, m, rate}, lion});
  }
  for (const graph::Attrs& attrs : {graph::Attrs{{"weight_decay", 0.1}}, graph::Attrs{}}) {
    expect_agreement(
        {"sgd_matmul", {reals({19, 33}), reals({4, 19}), reals({4, 33}), rate}, attrs});
  }
}

}  // namespace
}  // namespace verge::kernels
