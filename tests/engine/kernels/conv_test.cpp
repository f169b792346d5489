#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/conv.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

int64_t x_size(const Conv2d& c) {
  return c.batch * c.in_channels * c.in_height * c.in_width;
}
int64_t y_size(const Conv2d& c) {
  return c.batch * c.out_channels * c.out_height() * c.out_width();
}
int64_t w_size(const Conv2d& c) {
  return c.out_channels * (c.in_channels / c.groups) * c.kernel_height * c.kernel_width;
}

/// Calls body(x index, weight index, y index) for every product of a convolution.
template <typename Body>
void for_products(const Conv2d& c, Body body) {
  const int64_t in_group = c.in_channels / c.groups;
  const int64_t out_group = c.out_channels / c.groups;
  int64_t y = 0;
  for (int64_t n = 0; n < c.batch; ++n) {
    for (int64_t o = 0; o < c.out_channels; ++o) {
      for (int64_t r = 0; r < c.out_height(); ++r) {
        for (int64_t q = 0; q < c.out_width(); ++q, ++y) {
          for (int64_t i = 0; i < in_group; ++i) {
            for (int64_t a = 0; a < c.kernel_height; ++a) {
              for (int64_t b = 0; b < c.kernel_width; ++b) {
                const int64_t row = r * c.stride_height + a * c.dilation_height - c.pad_top;
                const int64_t column = q * c.stride_width + b * c.dilation_width - c.pad_left;
                if (row < 0 || row >= c.in_height || column < 0 || column >= c.in_width) continue;
                const int64_t channel = n * c.in_channels + o / out_group * in_group + i;
                body((channel * c.in_height + row) * c.in_width + column,
                     ((o * in_group + i) * c.kernel_height + a) * c.kernel_width + b, y);
              }
            }
          }
        }
      }
    }
  }
}

void expect_conv(Isa isa, const Conv2d& c) {
  const auto x = random_floats(x_size(c), 1);
  const auto w = random_floats(w_size(c), 2);
  const auto bias = random_floats(c.out_channels, 3);
  const auto dy = random_floats(y_size(c), 4);
  std::vector<float> y(y_size(c), NAN), dx(x_size(c), NAN), dw(w_size(c), NAN),
      db(c.out_channels, NAN);
  Workspace workspace(conv2d_workspace_bytes(isa, c, 2));
  on_two_workers([&](Worker& worker) {
    conv2d(isa, c, x.data(), w.data(), bias.data(), y.data(), workspace.get(), worker);
    worker.sync();
    conv2d_backward_data(isa, c, dy.data(), w.data(), dx.data(), workspace.get(), worker);
    worker.sync();
    conv2d_backward_weight(isa, c, x.data(), dy.data(), dw.data(), db.data(), workspace.get(),
                           worker);
  });
  std::vector<double> want_y(y.size()), want_dx(x.size()), want_dw(w.size()), want_db(db.size());
  const int64_t area = c.out_height() * c.out_width();
  for (size_t i = 0; i < y.size(); ++i) {
    const auto channel = static_cast<size_t>(static_cast<int64_t>(i) / area % c.out_channels);
    want_y[i] = bias[channel];
    want_db[channel] += dy[i];
  }
  for_products(c, [&](int64_t xi, int64_t wi, int64_t yi) {
    want_y[yi] += double{x[xi]} * w[wi];
    want_dx[xi] += double{dy[yi]} * w[wi];
    want_dw[wi] += double{dy[yi]} * x[xi];
  });
  const int64_t taps = c.kernel_height * c.kernel_width;
  const auto tolerance = [](int64_t terms) { return 4e-6 * std::sqrt(static_cast<double>(terms)); };
  expect_close(y, want_y, tolerance(c.in_channels / c.groups * taps), "y");
  expect_close(dx, want_dx, tolerance(c.out_channels / c.groups * taps), "dx");
  expect_close(dw, want_dw, tolerance(c.batch * area), "d_weight");
  expect_close(db, want_db, tolerance(c.batch * area), "d_bias");
}

/// Padding all round.
Conv2d conv(int64_t batch, int64_t in, int64_t size, int64_t out, int64_t kernel, int64_t stride,
            int64_t pad, int64_t dilation = 1, int64_t groups = 1) {
  return {batch,  in,  size, size + 1, out, kernel,   kernel,   stride,
          stride, pad, pad,  pad,      pad, dilation, dilation, groups};
}

TEST(Conv, AgreesWithItsDefinition) {
  const Conv2d cases[] = {
      conv(3, 1, 28, 8, 3, 1, 1),         conv(2, 8, 14, 20, 3, 1, 1),
      conv(2, 5, 9, 33, 5, 1, 2),         conv(9, 3, 12, 4, 3, 2, 1),
      conv(2, 4, 11, 6, 1, 1, 0),         conv(2, 4, 11, 6, 1, 2, 0),
      conv(2, 3, 13, 5, 3, 3, 1),         conv(1, 3, 12, 5, 3, 1, 2, 2),
      conv(1, 3, 12, 5, 3, 2, 2, 2),      conv(2, 6, 10, 4, 3, 1, 1, 1, 2),
      conv(2, 6, 10, 12, 3, 2, 1, 1, 6),  conv(2, 7, 10, 7, 3, 1, 1, 1, 7),
      conv(2, 7, 11, 7, 5, 2, 2, 1, 7),   conv(1, 2, 3, 40, 3, 1, 0),
      conv(1, 3, 5, 2, 2, 4, 0),          conv(2, 5, 40, 5, 3, 2, 1, 1, 5),
      conv(2, 5, 39, 5, 7, 2, 3, 1, 5),   conv(2, 3, 12, 3, 3, 2, 2, 2, 3),
      conv(1, 4, 9, 4, 2, 2, 0, 1, 4),    conv(1, 4, 37, 4, 5, 1, 2, 1, 4),
      conv(2, 4, 20, 4, 7, 1, 3, 1, 4),   conv(3, 40, 30, 70, 1, 1, 0),
      conv(2, 3, 8, 3, 1, 2, 0, 1, 3),    conv(1, 3, 14, 3, 3, 1, 18, 18, 3),
      conv(1, 3, 14, 3, 3, 1, 12, 12, 3),
  };
  for (Isa isa : machine_isas()) {
    for (const Conv2d& c : cases) expect_conv(isa, c);
  }
}

TEST(Conv, WithoutChannelsOnEitherSide) {
  for (Isa isa : machine_isas()) {
    for (const Conv2d& c : {conv(2, 3, 6, 0, 3, 1, 1), conv(2, 0, 6, 4, 3, 1, 1)}) {
      expect_conv(isa, c);
    }
  }
}

TEST(Conv, UnequalSidesAndBands) {
  // 70 channels of 50 x 130 do not fit a cache: several bands an image.
  const Conv2d cases[] = {{1, 70, 50, 130, 3, 3, 3, 1, 1, 1, 1, 1, 1},
                          {2, 2, 9, 17, 3, 3, 2, 2, 1, 0, 1, 2, 0, 1, 2, 1},
                          {1, 1, 2, 40, 2, 1, 7, 1, 3, 0, 3, 0, 3}};
  for (const Conv2d& c : cases) expect_conv(best_isa(), c);
}

TEST(Conv, ActivationResidualAndFactorAreOfTheSameBand) {
  for (Isa isa : machine_isas()) {
    for (Conv2d c : {conv(2, 7, 41, 40, 3, 1, 1), conv(2, 6, 10, 6, 3, 2, 1, 1, 6),
                     conv(3, 5, 9, 40, 1, 1, 0)}) {
      const auto x = random_floats(x_size(c), 1);
      const auto w = random_floats(w_size(c), 2);
      const auto residual = random_floats(y_size(c), 3);
      std::vector<float> plain(y_size(c)), y(y_size(c));
      const auto run = [&](std::vector<float>& out) {
        Workspace workspace(conv2d_workspace_bytes(isa, c, 2));
        on_two_workers([&](Worker& worker) {
          conv2d(isa, c, x.data(), w.data(), nullptr, out.data(), workspace.get(), worker);
        });
      };
      run(plain);
      c.activation = Activation::Relu;
      c.residual = residual.data();
      c.factor = 2;
      for (bool of_sum : {false, true}) {
        c.activates_sum = of_sum;
        run(y);
        for (size_t i = 0; i < y.size(); ++i) {
          const float r = residual[i];
          const float sum = of_sum ? std::max(plain[i] + r, 0.0f) : std::max(plain[i], 0.0f) + r;
          ASSERT_EQ(y[i], 2 * sum);
        }
      }
    }
  }
}

// By the mirror, by the phases of a stride, one of which no tap falls into, and in groups.
TEST(Conv, DataGradientsOfWeightsThatArePackedOnceKeepTheirBits) {
  const Conv2d cases[] = {conv(2, 8, 14, 20, 3, 1, 1),       conv(2, 4, 11, 6, 1, 1, 0),
                          conv(2, 17, 12, 30, 3, 2, 1),      conv(2, 4, 11, 6, 1, 2, 0),
                          conv(2, 6, 10, 12, 3, 2, 1, 1, 3), conv(2, 7, 10, 7, 3, 1, 1, 1, 7),
                          conv(2, 3, 13, 5, 3, 3, 4),        conv(1, 3, 12, 5, 3, 2, 2, 2)};
  for (Isa isa : machine_isas()) {
    for (Conv2d c : cases) {
      SCOPED_TRACE(testing::Message()
                   << name(isa) << ", " << c.in_channels << " channels, stride " << c.stride_width);
      ASSERT_TRUE(packs_data(c));
      const auto w = random_floats(w_size(c), 1), dy = random_floats(y_size(c), 2);
      const auto other = random_floats(x_size(c), 3), passed = random_floats(x_size(c), 4);
      c.residual = other.data();
      c.passed = passed.data();
      c.above = -0.5f;
      c.below = 1;
      std::vector<float> dx(x_size(c), NAN), again(x_size(c), NAN);
      Workspace workspace(conv2d_data_workspace_bytes(isa, c, 2));
      Workspace room(data_packed_workspace_bytes(isa, c, 2));
      Workspace packed(static_cast<size_t>(data_packed_floats(isa, c)) * sizeof(float));
      auto* weights = static_cast<float*>(static_cast<void*>(packed.get()));
      on_two_workers([&](Worker& worker) {
        conv2d_backward_data(isa, c, dy.data(), w.data(), dx.data(), workspace.get(), worker);
        pack_conv2d_data(isa, c, w.data(), weights, worker);
        worker.sync();
        conv2d_backward_data_packed(isa, c, dy.data(), weights, again.data(), room.get(), worker);
      });
      EXPECT_EQ(dx, again);
    }
  }
  EXPECT_FALSE(packs_data(conv(2, 7, 11, 7, 5, 2, 2, 1, 7)));
}

// So one copy serves all convolutions of a weight that have its groups.
TEST(Conv, PackedWeightsDependOnTheWeightAndItsGroupsAlone) {
  for (Isa isa : machine_isas()) {
    const Conv2d first = conv(1, 6, 9, 20, 3, 1, 1);
    const auto w = random_floats(w_size(first), 1);
    const auto packed = [&](const Conv2d& c) {
      std::vector<float> out(static_cast<size_t>(conv2d_packed_floats(isa, c)), NAN);
      on_two_workers([&](Worker& worker) { pack_conv2d(isa, c, w.data(), out.data(), worker); });
      return out;
    };
    const std::vector<float> wanted = packed(first);
    for (const Conv2d& other : {conv(7, 6, 23, 20, 3, 2, 0), conv(1, 6, 9, 20, 3, 1, 2, 2)}) {
      EXPECT_EQ(packed(other), wanted) << name(isa);
    }
  }
}

TEST(Conv, AnEmptyBatchIsNothingToDo) {
  for (const Conv2d& c : {conv(0, 4, 6, 5, 1, 1, 0), conv(0, 4, 6, 5, 3, 1, 1)}) {
    Workspace workspace(conv2d_workspace_bytes(best_isa(), c, 2));
    const auto w = random_floats(w_size(c), 1);
    std::vector<float> dw(w_size(c), NAN), db(c.out_channels, NAN);
    on_two_workers([&](Worker& worker) {
      conv2d(best_isa(), c, nullptr, w.data(), nullptr, nullptr, workspace.get(), worker);
      worker.sync();
      conv2d_backward_data(best_isa(), c, nullptr, w.data(), nullptr, workspace.get(), worker);
      worker.sync();
      conv2d_backward_weight(best_isa(), c, nullptr, nullptr, dw.data(), db.data(), workspace.get(),
                             worker);
    });
    EXPECT_EQ(dw, std::vector<float>(dw.size()));  // sums of nothing
    EXPECT_EQ(db, std::vector<float>(db.size()));
  }
}

TEST(Conv, ThreadsDoNotChangeBits) {
  const Conv2d cases[] = {conv(11, 4, 13, 24, 3, 1, 1),        conv(1, 4, 13, 24, 3, 1, 1),
                          conv(1, 40, 33, 24, 3, 1, 1),        conv(1, 30, 17, 50, 1, 1, 0),
                          conv(1, 6, 19, 20, 3, 2, 1),         conv(1, 7, 21, 7, 5, 2, 2, 1, 7),
                          conv(1, 20, 16, 20, 3, 1, 1, 1, 20), {1, 64, 1, 50, 64, 1, 3}};
  for (const Conv2d& c : cases) {
    SCOPED_TRACE(testing::Message() << c.batch << " x " << c.in_channels << " channels, kernel "
                                    << c.kernel_height << " x " << c.kernel_width);
    const auto x = random_floats(x_size(c), 1);
    const auto dy = random_floats(y_size(c), 2);
    const auto w = random_floats(w_size(c), 3);
    std::vector<std::vector<float>> weights, data;
    for (int threads : {1, 2, 3}) {
      std::vector<float> dw(w_size(c)), dx(x_size(c));
      Workspace workspace(conv2d_workspace_bytes(best_isa(), c, threads));
      ThreadPool pool(threads);
      pool.run([&](Worker& worker) {
        conv2d_backward_weight(best_isa(), c, x.data(), dy.data(), dw.data(), nullptr,
                               workspace.get(), worker);
        worker.sync();
        conv2d_backward_data(best_isa(), c, dy.data(), w.data(), dx.data(), workspace.get(),
                             worker);
      });
      weights.push_back(dw);
      data.push_back(dx);
    }
    for (size_t i = 1; i < data.size(); ++i) {
      EXPECT_EQ(weights[0], weights[i]);
      EXPECT_EQ(data[0], data[i]);
    }
  }
}

}  // namespace
}  // namespace verge::kernels
