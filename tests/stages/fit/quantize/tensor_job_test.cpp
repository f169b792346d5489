#include <cstring>

#include <gtest/gtest.h>

#include <verge/stages/fit/quantize/tensor_job.hpp>

namespace verge::fit {
namespace {

TEST(TensorJob, PortionsAddUpToTheTensor) {
  const int64_t rows = 5000, columns = 1024;  // more than one portion
  Tensor values(DType::F32, {rows, columns});
  for (int64_t i = 0; i < rows * columns; ++i) {
    values.span<float>()[static_cast<size_t>(i)] = static_cast<float>(i % 127 - 63);
  }
  format::StoredTensor stored;
  stored.name = "w";
  stored.dtype = DType::F32;
  stored.shape = values.shape();
  stored.bytes = std::as_bytes(values.span<float>());
  ThreadPool pool(2);
  Tensor whole(DType::Q8_0, values.shape());
  ASSERT_TRUE(quant::quantize(values.view(), whole.view(), {}, pool));
  std::vector<std::byte> written;
  int64_t portions = 0, done = 0;
  const auto sums = write_tensor(
      stored, DType::Q8_0,
      [&](std::span<const std::byte> bytes) -> Status {
        written.insert(written.end(), bytes.begin(), bytes.end());
        return {};
      },
      pool, [&](int64_t count) { portions += 1, done += count; });
  ASSERT_TRUE(sums) << sums.error().message;
  EXPECT_GT(portions, 1);
  EXPECT_EQ(done, rows * columns);
  ASSERT_EQ(static_cast<int64_t>(written.size()), whole.view().bytes());
  EXPECT_EQ(std::memcmp(written.data(), whole.view().data, written.size()), 0);
  const quant::QuantError error = quant::measure_error(values.view(), whole.view(), pool);
  EXPECT_NEAR(sums->error().rmse, error.rmse, 1e-12);
  EXPECT_NEAR(sums->error().relative, error.relative, 1e-12);
}

}  // namespace
}  // namespace verge::fit
