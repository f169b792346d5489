#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/attention.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

struct AttentionShape {
  int64_t batch, tokens, heads, kv_heads, dim;
  bool causal;
};

struct Exact {
  std::vector<double> out, log_sum_exp, d_q, d_k, d_v;
};

/// One query of one head: the textbook formulas, P whole.
void exact_row(const AttentionShape& s, int64_t b, int64_t t, int64_t h,
               const std::vector<float>& q, const std::vector<float>& k,
               const std::vector<float>& v, const std::vector<float>& d_out, Exact& e) {
  const double scale = 1 / std::sqrt(static_cast<double>(s.dim));
  const int64_t kv = h / (s.heads / s.kv_heads);
  const int64_t seen = s.causal ? t + 1 : s.tokens;
  const int64_t at = ((b * s.tokens + t) * s.heads + h) * s.dim;
  const auto key = [&](int64_t j) { return ((b * s.tokens + j) * s.kv_heads + kv) * s.dim; };
  std::vector<double> p(seen), d_p(seen);
  double sum = 0;
  for (int64_t j = 0; j < seen; ++j) {
    double score = 0;
    for (int64_t i = 0; i < s.dim; ++i) {
      score += scale * q[at + i] * k[key(j) + i];
      d_p[j] += double{d_out[at + i]} * v[key(j) + i];
    }
    p[j] = std::exp(score);
    sum += p[j];
  }
  e.log_sum_exp[(b * s.heads + h) * s.tokens + t] = std::log(sum);
  double along = 0;
  for (int64_t j = 0; j < seen; ++j) {
    p[j] /= sum;
    along += p[j] * d_p[j];
  }
  for (int64_t j = 0; j < seen; ++j) {
    const double d_s = p[j] * (d_p[j] - along) * scale;
    for (int64_t i = 0; i < s.dim; ++i) {
      e.out[at + i] += p[j] * v[key(j) + i];
      e.d_q[at + i] += d_s * k[key(j) + i];
      e.d_k[key(j) + i] += d_s * q[at + i];
      e.d_v[key(j) + i] += p[j] * d_out[at + i];
    }
  }
}

void expect_dense(Isa isa, const AttentionShape& s, Compute compute) {
  const int64_t q_size = s.batch * s.tokens * s.heads * s.dim;
  const int64_t kv_size = s.batch * s.tokens * s.kv_heads * s.dim;
  const auto q = random_floats(q_size, 1);
  const auto k = random_floats(kv_size, 2);
  const auto v = random_floats(kv_size, 3);
  const auto d_out = random_floats(q_size, 4);
  std::vector<float> out(q_size, NAN), lse(s.batch * s.heads * s.tokens, NAN), d_q(q_size, NAN),
      d_k(kv_size, NAN), d_v(kv_size, NAN);
  const float scale = 1 / std::sqrt(static_cast<float>(s.dim));
  const DenseAttention a{s.batch,    s.tokens,   s.heads,  s.kv_heads, s.dim,
                         scale,      s.causal,   q.data(), k.data(),   v.data(),
                         out.data(), lse.data(), 0,        0,          compute};
  Workspace forward(dense_attention_workspace_bytes(isa, a, 2));
  Workspace backward(dense_attention_backward_workspace_bytes(isa, a, 2));
  on_two_workers([&](Worker& worker) {
    dense_attention(isa, a, forward.get(), worker);
    worker.sync();
    dense_attention_backward(isa, {a, d_out.data(), d_q.data(), d_k.data(), d_v.data()},
                             backward.get(), worker);
  });
  Exact e{std::vector<double>(q_size), std::vector<double>(lse.size()), std::vector<double>(q_size),
          std::vector<double>(kv_size), std::vector<double>(kv_size)};
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t h = 0; h < s.heads; ++h) exact_row(s, b, t, h, q, k, v, d_out, e);
    }
  }
  // Rounding to bf16 costs 2^-9 an operand where the processor has bf16 products.
  const double factor = compute == Compute::Bf16 && isa == Isa::Avx512Bf16 ? 2000 : 1;
  expect_close(out, e.out, factor * 1e-5, "out");
  expect_close(lse, e.log_sum_exp, factor * 1e-5, "log_sum_exp");
  expect_close(d_q, e.d_q, factor * 2e-5, "d_q");
  expect_close(d_k, e.d_k, factor * 2e-5, "d_k");
  expect_close(d_v, e.d_v, factor * 2e-5, "d_v");
}

TEST(DenseAttention, ForwardAndGradientAgreeWithTheFormulas) {
  const AttentionShape shapes[] = {{1, 1, 1, 1, 4, true},    {2, 5, 4, 2, 8, true},
                                   {1, 133, 6, 2, 20, true}, {2, 70, 2, 1, 64, false},
                                   {1, 260, 3, 3, 32, true}, {1, 140, 8, 1, 16, false}};
  for (Isa isa : machine_isas()) {
    for (const AttentionShape& shape : shapes) {
      for (Compute compute : {Compute::F32, Compute::Bf16}) expect_dense(isa, shape, compute);
    }
  }
}

// The oracle above states gradients by formula; this one differentiates the definition.
TEST(DenseAttention, GradientIsTheSlopeOfTheDefinition) {
  const AttentionShape s{1, 4, 2, 1, 3, true};
  const auto q = random_floats(24, 1);
  const auto k = random_floats(12, 2);
  const auto v = random_floats(12, 3);
  const auto d_out = random_floats(24, 4);
  const double scale = 0.7;
  const auto loss = [&](const std::vector<double>& x) {  // x = q, k, v in one
    double total = 0;
    for (int64_t row = 0; row < 8; ++row) {
      std::vector<double> p;
      double sum = 0;
      for (int64_t j = 0; j <= row / 2; ++j) {
        double score = 0;
        for (int i = 0; i < 3; ++i) score += scale * x[row * 3 + i] * x[24 + j * 3 + i];
        p.push_back(std::exp(score));
        sum += p.back();
      }
      for (int64_t j = 0; j <= row / 2; ++j) {
        for (int i = 0; i < 3; ++i) total += p[j] / sum * x[36 + j * 3 + i] * d_out[row * 3 + i];
      }
    }
    return total;
  };
  std::vector<double> all = doubles(q);
  all.insert(all.end(), k.begin(), k.end());
  all.insert(all.end(), v.begin(), v.end());
  const auto want = numeric_gradient(loss, all);
  std::vector<float> got(48), out(24), lse(8);
  const DenseAttention a{s.batch,  s.tokens, s.heads,  s.kv_heads, s.dim,      0.7f, true,
                         q.data(), k.data(), v.data(), out.data(), lse.data(), 0,    0};
  Workspace workspace(dense_attention_workspace_bytes(best_isa(), a, 2) +
                      dense_attention_backward_workspace_bytes(best_isa(), a, 2));
  on_two_workers([&](Worker& worker) {
    dense_attention(best_isa(), a, workspace.get(), worker);
    worker.sync();
    dense_attention_backward(best_isa(), {a, d_out.data(), got.data(), &got[24], &got[36]},
                             workspace.get(), worker);
  });
  expect_close(got, want, 1e-5, "gradient");
}

}  // namespace
}  // namespace verge::kernels
