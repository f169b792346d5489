#include <set>

#include <gtest/gtest.h>

#include <verge/stages/build/random_model/weights.hpp>

namespace verge::build {
namespace {

std::vector<float> drawn(const RandomTensor& tensor, int64_t first_row, int64_t rows, int index) {
  ThreadPool pool(2);
  WeightSource source(5, pool);
  std::vector<float> values(static_cast<size_t>(rows * tensor.shape.back()));
  source.fill(tensor, index, first_row, rows, reinterpret_cast<std::byte*>(values.data()));
  return values;
}

TEST(Weights, RowsAreTheSameInWhateverPortionsTheyAreDrawn) {
  for (const Shape shape : {Shape{60, 24}, Shape{8192, 96}}) {  // value by value; from the pool
    const RandomTensor tensor{"w", shape, DType::F32, 0.0f, 0.5f};
    const std::vector<float> all = drawn(tensor, 0, 50, 3);
    const std::vector<float> part = drawn(tensor, 20, 5, 3);
    const int64_t columns = shape.back();
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 20 * columns));
    EXPECT_NE(part, drawn(tensor, 20, 5, 4));
  }
}

TEST(Weights, PooledRowsAreAllDifferent) {
  const RandomTensor tensor{"w", Shape{20000, 64}, DType::F32, 0.0f, 1.0f};
  const std::vector<float> values = drawn(tensor, 0, 20000, 0);
  std::set<std::vector<float>> rows;
  for (size_t row = 0; row < 20000; ++row) {
    rows.insert({values.begin() + row * 64, values.begin() + (row + 1) * 64});
  }
  EXPECT_GE(rows.size(), 19998u);  // two blocks of 16384 each: a collision is a 0.75 chance of one
}

TEST(Weights, VectorsHaveTheirMean) {
  const RandomTensor tensor{"norm", Shape{20000}, DType::F32, 1.0f, 0.1f};
  const std::vector<float> values = drawn(tensor, 0, 1, 0);
  double sum = 0;
  for (const float value : values) sum += value;
  EXPECT_NEAR(sum / 20000, 1.0, 0.005);
}

}  // namespace
}  // namespace verge::build
