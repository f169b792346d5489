#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/conv_winograd.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

struct Image {
  int64_t batch, in, height, width, out, pad;

  Conv2d conv() const {
    Conv2d c{.batch = batch, .in_channels = in, .in_height = height, .in_width = width};
    c.out_channels = out;
    c.kernel_height = c.kernel_width = 3;
    c.pad_top = c.pad_left = c.pad_bottom = c.pad_right = pad;
    c.activation = Activation::Relu;
    return c;
  }
};

/// All that can follow a product.
Conv2d with_epilogue(Conv2d c, const std::vector<float>& residual) {
  c.residual = residual.data();
  c.activates_sum = true;
  c.factor = 0.5f;
  c.offset = 0.25f;
  return c;
}

/// What the direct convolution, itself tested against the definition, gives.
std::vector<double> direct(const Conv2d& c, const std::vector<float>& x,
                           const std::vector<float>& w, const std::vector<float>& bias,
                           size_t results) {
  std::vector<float> y(results);
  Workspace workspace(conv2d_workspace_bytes(Isa::Generic, c, 2));
  on_two_workers([&](Worker& worker) {
    conv2d(Isa::Generic, c, x.data(), w.data(), bias.data(), y.data(), workspace.get(), worker);
  });
  return {y.begin(), y.end()};
}

void expect_winograd(Isa isa, const Image& image, int m, double tolerance) {
  const Conv2d plain = image.conv();
  const auto residual =
      random_floats(plain.batch * plain.out_channels * plain.out_height() * plain.out_width(), 4);
  const Conv2d c = image.pad == 1 ? with_epilogue(plain, residual) : plain;
  const auto x = random_floats(c.batch * c.in_channels * c.in_height * c.in_width, 1);
  const auto w = random_floats(c.out_channels * c.in_channels * 9, 2);
  const auto bias = random_floats(c.out_channels, 3);
  std::vector<float> y(c.batch * c.out_channels * c.out_height() * c.out_width(), NAN);
  Workspace packed(winograd_packed_floats(isa, c, m) * sizeof(float));
  Workspace workspace(winograd_workspace_bytes(isa, c, m, 2));
  const auto* weights = static_cast<const float*>(static_cast<const void*>(packed.get()));
  on_two_workers([&](Worker& worker) {
    pack_winograd(isa, c, m, {w.data()}, const_cast<float*>(weights), worker);
    worker.sync();
    conv2d_winograd(isa, c, m, x.data(), weights, bias.data(), y.data(), workspace.get(), worker);
  });
  expect_close(y, direct(c, x, w, bias, y.size()), tolerance * std::sqrt(9.0 * c.in_channels), "y");
}

TEST(ConvWinograd, AgreesWithTheDirectConvolution) {
  const Image images[] = {{1, 1, 1, 1, 1, 1},
                          {1, 3, 5, 7, 5, 1},
                          {2, 4, 8, 8, 13, 1},
                          {1, 2, 3, 70, 4, 0},
                          {3, 5, 7, 7, 24, 1},
                          {1, 2, 66, 3, 2, 1},
                          {2, 17, 14, 15, 9, 2},
                          {1, 90, 33, 37, 25, 1},
                          // so many channels that the fewest tiles fill a block:
                          {1, 400, 9, 9, 5, 1},
                          {1, 800, 5, 5, 3, 1}};
  for (Isa isa : machine_isas()) {
    for (const Image& image : images) {
      expect_winograd(isa, image, 2, 1e-5);
      expect_winograd(isa, image, 4, 1e-4);
    }
  }
}

TEST(ConvWinograd, FitsKernelsOf3x3OfStride1Alone) {
  const Conv2d fitting = Image{1, 4, 8, 8, 4, 1}.conv();
  EXPECT_TRUE(winograd_fits(fitting));
  Conv2d wide = fitting, strided = fitting, dilated = fitting, grouped = fitting;
  wide.kernel_width = 5;
  strided.stride_height = 2;
  dilated.dilation_width = 2;
  grouped.groups = 2;
  for (const Conv2d& c : {wide, strided, dilated, grouped}) EXPECT_FALSE(winograd_fits(c));
}

}  // namespace
}  // namespace verge::kernels
