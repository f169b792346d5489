#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {
namespace {

TEST(Reference, PlainTypesKeepWhatTheyCanHold) {
  for (const DType dtype :
       {DType::F32, DType::F64, DType::F16, DType::BF16, DType::I8, DType::I32, DType::I64}) {
    const Tensor tensor(dtype, Shape{4});
    const std::vector<double> values = {0, 1, -2, 100};
    store(tensor.view(), values);
    EXPECT_EQ(load(tensor.view()), values) << name(dtype);
  }
}

TEST(Reference, LoadsSingleRows) {
  const Tensor tensor(DType::BF16, Shape{3, 2});
  store(tensor.view(), {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(load_rows(tensor.view(), 1, 2), (std::vector<double>{3, 4, 5, 6}));
  EXPECT_THROW(load_rows(tensor.view(), 2, 2), InternalError);
}

TEST(Reference, RefusesTheWrongCount) {
  const Tensor tensor(DType::F32, Shape{2});
  EXPECT_THROW(store(tensor.view(), {1}), InternalError);
}

}  // namespace
}  // namespace verge::graph
