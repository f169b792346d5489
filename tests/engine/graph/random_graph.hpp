#pragma once
// Random graphs for properties of the planner: products, in-place operators, views, operators of
// two results, values of many sizes, read once or often.

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>

namespace verge::support {

inline graph::Graph random_graph(uint64_t seed, int nodes = 60) {
  using graph::ValueId;
  Rng rng(seed);
  graph::Builder b("random");
  const graph::Dim rows(4, b.symbol("tokens", 7));
  std::vector<ValueId> values{b.input("x", {DType::F32, {rows, 64}})};
  const auto width = [&](ValueId x) { return b.type(x).dims[1].factor; };
  for (int i = 0; i < nodes; ++i) {
    const ValueId x = values[rng.below(static_cast<uint32_t>(values.size()))];
    const auto other = [&] {  // of the same type, if there is one
      const ValueId y = values[rng.below(static_cast<uint32_t>(values.size()))];
      return b.type(y) == b.type(x) ? y : x;
    };
    switch (rng.below(6)) {
      case 0:
        values.push_back(b.op("scale", {x}, {{"factor", 2.0}}));
        break;
      case 1:
        values.push_back(b.op("add", {x, other()}));
        break;
      case 2:
        values.push_back(b.op("swiglu", {x, other()}));
        break;
      case 3: {
        const ValueId w = b.param(fmt::format("n{}", i), {DType::F32, {width(x)}});
        values.push_back(b.op("rms_norm", {x, w}, {{"eps", 1e-5}}));
        break;
      }
      case 4:
        values.push_back(b.op("reshape", {x},
                              {{"dims", std::vector<int64_t>{4, width(x)}},
                               {"symbols", std::vector<int64_t>{0, -1}}}));
        break;
      default: {
        const int64_t out = 16 + 16 * rng.below(16);
        const ValueId w = b.param(fmt::format("w{}", i), {DType::F32, {out, width(x)}});
        values.push_back(
            b.op("linear", {x, w, graph::kNone, out == width(x) ? other() : graph::kNone}));
      }
    }
  }
  b.output(values.back(), "y");
  b.output(values[values.size() / 2], "middle");
  return *b.finish();
}

}  // namespace verge::support
