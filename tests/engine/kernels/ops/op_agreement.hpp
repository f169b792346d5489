#pragma once
// The fast kernel of an operator against its reference: for every instruction set of the machine,
// on two workers, with results beside the inputs and in their place.
//
//   expect_agreement({"add", {reals({3, 7}), reals({3, 7})}});

#include <functional>
#include <string_view>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::kernels {

/// One input: its type and what fills it; without `fill` it is absent.
struct OpInput {
  graph::Type type;
  std::function<double(size_t index, Rng& rng)> fill;
  bool is_packed = false;
};

OpInput reals(graph::Dims dims);     // normal
OpInput positive(graph::Dims dims);  // uniform in [0.5, 1.5)
/// Uniform whole numbers in [0, bound).
OpInput below(uint32_t bound, graph::Dims dims, DType dtype = DType::I32);
OpInput given(graph::Dims dims, std::vector<double> values, DType dtype = DType::F32);
/// Values of any storable type; of a weight [..., n] their deviation is 1/sqrt(n).
OpInput stored(DType dtype, graph::Dims dims);
OpInput packed(DType dtype, graph::Dims dims);
/// All levels of i8 or u8 (graph/levels.hpp); weights of them, packed.
OpInput levels(DType dtype, graph::Dims dims);
OpInput packed_levels(graph::Dims dims);
OpInput absent();

struct OpCase {
  std::string_view op;
  std::vector<OpInput> inputs;
  graph::Attrs attrs = {};
  double tolerance = 2e-4;  // of 1 + |value|
  std::vector<size_t> unread = {};
  int64_t channels = 0;  // of results in blocks (channel_blocks.hpp): lanes beyond may be anything
};

void expect_agreement(const OpCase& c);

/// What the reference makes of the case, for inputs that depend on it.
std::vector<std::vector<double>> reference_of(const OpCase& c);

}  // namespace verge::kernels
