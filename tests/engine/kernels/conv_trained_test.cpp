#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/conv_trained.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

Conv2d trained(int64_t batch, int64_t in, int64_t size, int64_t out, int64_t kernel, int64_t stride,
               int64_t pad) {
  Conv2d c{.batch = batch, .in_channels = in, .in_height = size, .in_width = size + 1};
  c.out_channels = out;
  c.kernel_height = c.kernel_width = kernel;
  c.stride_height = c.stride_width = stride;
  c.pad_top = c.pad_left = c.pad_bottom = c.pad_right = pad;
  return c;
}

struct Values {
  std::vector<float> x, w, y, other, passed;

  explicit Values(const Conv2d& c)
      : x(random_floats(c.batch * c.in_channels * c.in_height * c.in_width, 1)),
        w(random_floats(c.out_channels * c.in_channels * c.kernel_height * c.kernel_width, 2)),
        y(random_floats(c.batch * c.out_channels * c.out_height() * c.out_width(), 3)),
        other(random_floats(static_cast<int64_t>(x.size()), 4)),
        passed(random_floats(static_cast<int64_t>(x.size()), 5)) {}
};

struct Results {
  std::vector<float> y, dx, dw;
};

std::vector<size_t> trained_bytes(Isa isa, const Conv2d& c, int m, int threads) {
  return {trained_conv2d_workspace_bytes(isa, c, m, threads),
          trained_data_workspace_bytes(isa, c, m, threads),
          trained_weight_workspace_bytes(isa, c, m, threads)};
}

/// The ways to run all three of them.
std::vector<int> ways(const Conv2d& c) {
  return data_winograd_fits(c) ? std::vector<int>{0, 2, 4} : std::vector<int>{0};
}

/// Of the convolutions themselves, or, for no m, of conv.hpp, which are tested against the
/// definition.
Results run(Isa isa, const Conv2d& c, const Values& v, std::optional<int> m, int threads = 2) {
  const bool direct = !m;
  Results r{std::vector<float>(v.y.size(), NAN), std::vector<float>(v.x.size(), NAN),
            std::vector<float>(v.w.size(), NAN)};
  Conv2d gradient = c;
  gradient.residual = v.other.data();
  gradient.passed = v.passed.data();
  gradient.above = -0.5f;
  gradient.below = 1;
  const std::vector<size_t> bytes = trained_bytes(isa, c, m.value_or(0), threads);
  Workspace workspace(direct ? conv2d_workspace_bytes(isa, c, threads)
                             : *std::ranges::max_element(bytes));
  ThreadPool pool(threads);
  pool.run([&](Worker& worker) {
    void* memory = workspace.get();
    if (direct) {
      conv2d(isa, c, v.x.data(), v.w.data(), nullptr, r.y.data(), memory, worker);
      worker.sync();
      conv2d_backward_data(isa, c, v.y.data(), v.w.data(), r.dx.data(), memory, worker);
      worker.sync();
      conv2d_backward_weight(isa, c, v.x.data(), v.y.data(), r.dw.data(), nullptr, memory, worker);
    } else {
      trained_conv2d(isa, c, *m, v.x.data(), v.w.data(), nullptr, r.y.data(), memory, worker);
      worker.sync();
      trained_conv2d_backward_data(isa, gradient, *m, v.y.data(), v.w.data(), r.dx.data(), memory,
                                   worker);
      worker.sync();
      trained_conv2d_backward_weight(isa, c, *m, v.x.data(), v.y.data(), r.dw.data(), memory,
                                     worker);
    }
  });
  for (size_t i = 0; i < r.dx.size() && direct; ++i) {
    const bool is_passed = v.passed[i] > -0.5f && v.passed[i] < 1;
    r.dx[i] = is_passed ? r.dx[i] + v.other[i] : 0;
  }
  return r;
}

const Conv2d kCases[] = {
    trained(1, 20, 28, 40, 3, 1, 1), trained(3, 17, 13, 16, 3, 1, 0),
    trained(2, 16, 22, 50, 3, 1, 2), trained(8, 70, 9, 35, 3, 1, 1),
    trained(2, 16, 22, 50, 1, 1, 0), trained(2, 16, 22, 20, 3, 2, 1),
    trained(1, 3, 9, 4, 3, 1, 1),
};

TEST(ConvTrained, AgreesWithTheDirectConvolutions) {
  for (Isa isa : machine_isas()) {
    for (const Conv2d& c : kCases) {
      SCOPED_TRACE(testing::Message() << name(isa) << ", " << c.in_channels << " channels");
      const Values values(c);
      const Results want = run(isa, c, values, std::nullopt);
      const double kernel = static_cast<double>(c.kernel_height * c.kernel_width);
      const auto tolerance = [](double terms) { return 1e-4 * std::sqrt(terms); };
      for (const int m : ways(c)) {
        SCOPED_TRACE(m);
        const Results got = run(isa, c, values, m);
        expect_close(got.y, doubles(want.y), tolerance(kernel * c.in_channels), "y");
        expect_close(got.dx, doubles(want.dx), tolerance(kernel * c.out_channels), "dx");
        expect_close(got.dw, doubles(want.dw), tolerance(c.batch * c.out_height() * c.out_width()),
                     "d_weight");
      }
    }
  }
}

TEST(ConvTrained, ThreadsDoNotChangeBits) {
  for (const Conv2d& c : kCases) {
    const Values values(c);
    for (const int m : ways(c)) {
      const Results one = run(best_isa(), c, values, m, 1);
      for (const int threads : {2, 3}) {
        const Results many = run(best_isa(), c, values, m, threads);
        EXPECT_EQ(one.y, many.y);
        EXPECT_EQ(one.dx, many.dx);
        EXPECT_EQ(one.dw, many.dw);
      }
    }
  }
}

// A plan's workspace is that of its largest batch.
TEST(ConvTrained, ASmallerBatchNeedsNoMoreMemory) {
  for (const int m : {0, 2, 4}) {
    Conv2d c = trained(64, 40, 30, 40, 3, 1, 1);
    const std::vector<size_t> most = trained_bytes(best_isa(), c, m, 2);
    for (c.batch = 0; c.batch < 64; ++c.batch) {
      const std::vector<size_t> bytes = trained_bytes(best_isa(), c, m, 2);
      for (size_t i = 0; i < most.size(); ++i) EXPECT_LE(bytes[i], most[i]) << c.batch;
    }
  }
}

TEST(ConvTrained, TheRuleTakesWinogradFromSomeTilesAndChannelsOn) {
  EXPECT_EQ(winograd_by_rule(trained(2, 16, 16, 16, 3, 1, 1)), 4);
  EXPECT_EQ(winograd_by_rule(trained(2, 15, 16, 16, 3, 1, 1)), 0);
  EXPECT_EQ(winograd_by_rule(trained(1, 16, 16, 16, 3, 1, 1)), 0);
  EXPECT_EQ(winograd_by_rule(trained(8, 64, 28, 64, 3, 2, 1)), 0);
  EXPECT_EQ(winograd_by_rule(trained(8, 64, 28, 64, 5, 1, 2)), 0);
  EXPECT_FALSE(data_winograd_fits(trained(2, 16, 16, 16, 3, 1, 3)));  // more than a kernel reaches
}

}  // namespace
}  // namespace verge::kernels
