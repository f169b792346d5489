#include <verge/engine/graph/passes/canonicalise.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::constants;
using support::count_of;

const Type kMatrix{DType::F32, {2, 6}};

// Builds y from x, canonicalises, and checks that the results agree.
Graph check(const std::function<ValueId(Builder&, ValueId)>& build) {
  Builder b("small");
  const ValueId y = build(b, b.input("x", kMatrix));
  b.output(b.op("exp", {y}), "y");
  Graph before = *b.finish();
  Graph after = canonicalise(before);
  support::expect_same_results(before, after);
  return after;
}

TEST(Canonicalise, WorkThatChangesNothingVanishes) {
  const std::function<ValueId(Builder&, ValueId)> cases[] = {
      [](Builder& b, ValueId x) {
        return b.op("add", {b.constant("zero", constants({6}, std::vector<double>(6))), x});
      },
      [](Builder& b, ValueId x) {
        return b.op("mul", {x, b.constant("one", constants({}, {1}))});
      },
      [](Builder& b, ValueId x) {
        return b.op("div", {x, b.constant("one", constants({}, {1}))});
      },
      [](Builder& b, ValueId x) {
        return b.op("scale", {x}, {{"factor", 1.0}});
      },
      [](Builder& b, ValueId x) {
        const Attrs swap{{"perm", std::vector<int64_t>{1, 0}}};
        return b.op("transpose", {b.op("transpose", {x}, swap)}, swap);
      },
      [](Builder& b, ValueId x) {
        const auto shaped = [](std::vector<int64_t> dims) {
          std::vector<int64_t> none(dims.size(), -1);
          return Attrs{{"dims", std::move(dims)}, {"symbols", none}};
        };
        return b.op("reshape", {b.op("reshape", {x}, shaped({3, 4}))}, shaped({2, 6}));
      },
      [](Builder& b, ValueId x) {
        return b.op("slice", {x},
                    {{"axis", int64_t{1}}, {"start", int64_t{0}}, {"size", int64_t{6}}});
      },
  };
  for (const auto& build : cases) {
    const Graph after = check(build);
    // The inner of two views or transposes is left to dead_code.
    EXPECT_EQ(after.nodes.back().inputs[0], after.find("x"));
  }
}

TEST(Canonicalise, ChainsOfScalesBecomeOne) {
  const Graph after = check([](Builder& b, ValueId x) {
    x = b.op("scale", {x}, {{"factor", 2.0}, {"offset", 0.5}});
    x = b.op("mul", {b.constant("three", constants({1}, {3})), x});
    return b.op("sub", {x, b.constant("quarter", constants({}, {0.25}))});
  });
  const Node& scale = after.nodes[after.nodes.size() - 2];
  EXPECT_EQ(scale.op->name, "scale");
  EXPECT_EQ(scale.inputs[0], after.find("x"));
  EXPECT_EQ(scale.attrs.real("factor"), 6);
  EXPECT_EQ(scale.attrs.real("offset"), 1.25);
}

// x / 3 and x * (1 / 3) may differ in the last bit, which a step shows.
TEST(Canonicalise, QuotientsThatAreRoundedStayExact) {
  const auto divisions = [](double divisor, bool is_rounded) {
    return count_of(check([&](Builder& b, ValueId x) {
                      x = b.op("div", {x, b.constant("divisor", constants({}, {divisor}))});
                      return is_rounded ? b.op("round", {x}, {{"mode", "even"}}) : x;
                    }),
                    "div");
  };
  EXPECT_EQ(divisions(3, true), 1);
  EXPECT_EQ(divisions(3, false), 0);
  EXPECT_EQ(divisions(-8, true), 0);
}

TEST(Canonicalise, KeepsWhatBroadcastsAndNamedOutputs) {
  const Graph wider = check([](Builder& b, ValueId x) {
    return b.op("add", {x, b.constant("zero", constants({3, 2, 6}, std::vector<double>(36)))});
  });
  EXPECT_EQ(count_of(wider, "add"), 1);
  const Graph named = check([](Builder& b, ValueId x) {
    const ValueId same = b.op("scale", {x}, {{"factor", 1.0}});
    b.output(same, "same");
    return same;
  });
  EXPECT_EQ(count_of(named, "scale"), 1);
}

}  // namespace
}  // namespace verge::graph
