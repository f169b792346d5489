#include <gtest/gtest.h>

#include "peer_errors.hpp"
#include "round_trip.hpp"

namespace verge::quant {
namespace {

TEST(EncodePlain, AsGoodAsLlamaCpp) {
  expect_as_good_as_peer({DType::F16, DType::BF16});
}

TEST(EncodePlain, IsIdempotent) {
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
    expect_idempotent(dtype, heavy_rows());
  }
}

}  // namespace
}  // namespace verge::quant
