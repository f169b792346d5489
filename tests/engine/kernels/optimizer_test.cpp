#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/optimizer.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

TEST(Optimizer, AdamWFollowsThePaper) {
  const int64_t n = 77;
  for (Isa isa : machine_isas()) {
    auto p = random_floats(n, 1);
    std::vector<float> m(n), v(n);
    std::vector<double> want = doubles(p), want_m(n), want_v(n);
    for (int64_t step = 1; step <= 5; ++step) {
      const auto g = random_floats(n, 10 + step);
      const AdamW update{
          .learning_rate = 0.01f, .weight_decay = 0.1f, .gradient_scale = 0.5f, .step = step};
      on_two_workers([&](Worker& worker) {
        adamw(isa, update, n, g.data(), p.data(), m.data(), v.data(), worker);
      });
      for (int64_t i = 0; i < n; ++i) {
        const double gradient = 0.5 * g[i];
        want_m[i] = 0.9 * want_m[i] + 0.1 * gradient;
        want_v[i] = 0.999 * want_v[i] + 0.001 * gradient * gradient;
        const double m_hat = want_m[i] / (1 - std::pow(0.9, step));
        const double v_hat = want_v[i] / (1 - std::pow(0.999, step));
        want[i] -= 0.01 * (m_hat / (std::sqrt(v_hat) + 1e-8) + 0.1 * want[i]);
      }
    }
    expect_close(p, want, 1e-5, "parameter");
    expect_close(m, want_m, 1e-6, "first moment");
    expect_close(v, want_v, 1e-6, "second moment");
  }
}

TEST(Optimizer, SgdWithAndWithoutMomentum) {
  const int64_t n = 40;
  for (Isa isa : machine_isas()) {
    for (bool nesterov : {false, true}) {
      auto p = random_floats(n, 1);
      auto plain = p;
      std::vector<float> velocity(n);
      std::vector<double> want = doubles(p), want_plain = want, want_velocity(n);
      for (int step = 0; step < 4; ++step) {
        const auto g = random_floats(n, 20 + step);
        on_two_workers([&](Worker& worker) {
          sgd(isa, {0.1f, 0.9f, 0.01f, 1, nesterov}, n, g.data(), p.data(), velocity.data(),
              worker);
          sgd(isa, {.learning_rate = 0.1f}, n, g.data(), plain.data(), nullptr, worker);
        });
        for (int64_t i = 0; i < n; ++i) {
          const double d = g[i] + 0.01 * want[i];
          want_velocity[i] = 0.9 * want_velocity[i] + d;
          want[i] -= 0.1 * (nesterov ? d + 0.9 * want_velocity[i] : want_velocity[i]);
          want_plain[i] -= 0.1 * g[i];
        }
      }
      expect_close(p, want, 1e-5, "momentum");
      expect_close(plain, want_plain, 1e-5, "plain");
    }
  }
}

}  // namespace
}  // namespace verge::kernels
