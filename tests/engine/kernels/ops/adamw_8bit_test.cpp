#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/dynamic_code.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels {
namespace {

struct State {
  Tensor p{DType::F32, {700}}, grad{DType::F32, {700}};
  Tensor m{DType::U8, {700}}, m_scale{DType::F32, {3}};
  Tensor v{DType::U8, {700}}, v_scale{DType::F32, {3}};
  Tensor step{DType::I64, {}}, lr{DType::F32, {}};

  std::vector<TensorView> inputs() const {
    return {grad.view(),    m.view(),    m_scale.view(), v.view(),
            v_scale.view(), step.view(), lr.view()};
  }
};

void run_step(State& s, int64_t step, ThreadPool* pool) {
  s.step.span<int64_t>()[0] = step;
  s.lr.span<float>()[0] = 0.01f;
  Rng rng(static_cast<uint64_t>(step));
  for (float& g : s.grad.span<float>()) g = rng.normal() * 1e-3f;
  std::vector<TensorView> inputs = s.inputs();
  inputs.insert(inputs.begin(), s.p.view());
  const std::vector<TensorView> outputs = {s.p.view(), s.m.view(), s.m_scale.view(), s.v.view(),
                                           s.v_scale.view()};
  const graph::Attrs attrs{{"weight_decay", 0.1}};
  const graph::KernelCall call{inputs, outputs, attrs};
  if (pool == nullptr) return graph::find_op("adamw_8bit")->reference(call);
  pool->run([&](Worker& worker) { find_kernel("adamw_8bit")->run(call, worker, best_isa()); });
}

// In f32 a value may fall on the other side of a midpoint: neighbouring codes, and a parameter a
// few per cent of a step further.
TEST(AdamW8bitKernel, AgreesWithTheReference) {
  ThreadPool pool(2);
  State fast, slow;
  for (int64_t step = 1; step <= 20; ++step) {
    run_step(fast, step, &pool);
    run_step(slow, step, nullptr);
    for (int64_t i = 0; i < 3; ++i) {
      const float wanted = slow.m_scale.span<float>()[static_cast<size_t>(i)];
      EXPECT_NEAR(fast.m_scale.span<float>()[static_cast<size_t>(i)], wanted, 0.03 * wanted);
    }
    for (size_t i = 0; i < 700; ++i) {
      ASSERT_NEAR(fast.p.span<float>()[i], slow.p.span<float>()[i], 0.01 * 0.05 * step) << step;
    }
  }
}

// Eight bits follow AdamW of full width: the same direction of every parameter that has moved.
TEST(AdamW8bitKernel, FollowsAdamWOfFullWidth) {
  ThreadPool pool(2);
  State narrow;
  std::vector<double> p(700), m(700), v(700);
  for (int64_t step = 1; step <= 50; ++step) {
    run_step(narrow, step, &pool);
    const auto grad = narrow.grad.span<float>();
    for (size_t i = 0; i < p.size(); ++i) {
      m[i] = 0.9 * m[i] + 0.1 * grad[i];
      v[i] = 0.999 * v[i] + 0.001 * grad[i] * grad[i];
      const double mean = m[i] / (1 - std::pow(0.9, step));
      const double square = v[i] / (1 - std::pow(0.999, step));
      p[i] = (1 - 0.01 * 0.1) * p[i] - 0.01 * mean / (std::sqrt(square) + 1e-8);
    }
  }
  double error = 0, length = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    error += std::pow(p[i] - narrow.p.span<float>()[i], 2);
    length += p[i] * p[i];
  }
  EXPECT_LT(std::sqrt(error / length), 0.05);
}

}  // namespace
}  // namespace verge::kernels
