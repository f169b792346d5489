#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/open_rows.hpp>

namespace verge::onnx {
namespace {

using graph::ValueId;
using List = std::vector<int64_t>;

// The last node of a graph, whose input `open` is [4, 6, 5], open along its axis 1.
struct Rows {
  graph::Builder b{"net"};
  ValueId open = b.input("open", {DType::F32, {4, 6, 5}});
  ValueId count = b.input("count", {DType::I32, {1}});

  Result<std::optional<OpenRows>> last() const {
    const graph::Node& node = b.graph().nodes.back();
    std::vector<std::optional<OpenRows>> inputs;
    for (ValueId id : node.inputs) {
      inputs.push_back(id == open ? std::optional(OpenRows{.axis = 1, .count = count})
                                  : std::nullopt);
    }
    return open_rows_of(b.graph(), node, inputs);
  }
  void expect(int axis, int64_t most = INT64_MAX) const {
    const auto rows = last();
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(*rows, (OpenRows{axis, count, most})) << b.graph().nodes.back().op->name;
  }
  void expect_refused() const {
    const auto rows = last();
    ASSERT_FALSE(rows) << b.graph().nodes.back().op->name;
    EXPECT_EQ(rows.error().code, Code::Unsupported);
    EXPECT_NE(rows.error().message.find("how many boxes"), std::string::npos);
  }
};

TEST(OpenRows, FollowWhatMovesThem) {
  Rows r;
  r.b.op("transpose", {r.open}, {{"perm", List{1, 0, 2}}});
  r.expect(0);
  r.b.op("reshape", {r.open}, {{"dims", List{2, 2, 6, 5}}, {"symbols", List{-1, -1, -1, -1}}});
  r.expect(2);
  r.b.op("slice", {r.open}, {{"axis", int64_t{2}}, {"start", int64_t{1}}, {"size", int64_t{2}}});
  r.expect(1);
  r.b.op("slice", {r.open}, {{"axis", int64_t{1}}, {"start", int64_t{0}}, {"size", int64_t{3}}});
  r.expect(1, 3);
  const ValueId other = r.b.input("other", {DType::F32, {4, 6, 1}});
  r.b.op("concat", {r.open, other}, {{"axis", int64_t{2}}});
  r.expect(1);
  r.b.op("mul", {other, r.open});
  r.expect(1);
  r.b.op("reduce_sum", {r.open}, {{"axes", List{0}}});
  r.expect(0);
}

TEST(OpenRows, ReadOtherTensors) {
  Rows r;
  const ValueId table = r.b.input("table", {DType::F32, {7, 3}});
  r.b.op("gather", {table, r.open}, {{"axis", int64_t{1}}});
  r.expect(2);
  const ValueId which = r.b.input("which", {DType::I32, {2, 2}});
  r.b.op("gather", {r.open, which}, {{"axis", int64_t{0}}});
  r.expect(2);
  r.b.op("gather", {r.open, which}, {{"axis", int64_t{2}}});
  r.expect(1);
}

TEST(OpenRows, ThatWouldMixWithOthersAreRefused) {
  Rows r;
  const ValueId which = r.b.input("which", {DType::I32, {2}});
  r.b.op("reduce_sum", {r.open}, {{"axes", List{1}}});
  r.expect_refused();
  r.b.op("reshape", {r.open}, {{"dims", List{24, 5}}, {"symbols", List{-1, -1}}});
  r.expect_refused();
  r.b.op("slice", {r.open}, {{"axis", int64_t{1}}, {"start", int64_t{1}}, {"size", int64_t{2}}});
  r.expect_refused();
  r.b.op("concat", {r.open, r.open}, {{"axis", int64_t{1}}});
  r.expect_refused();
  r.b.op("gather", {r.open, which}, {{"axis", int64_t{1}}});
  r.expect_refused();
  r.b.op("top_k", {r.open}, {{"axis", int64_t{1}}, {"k", int64_t{2}}});
  r.expect_refused();
}

// One row that may be selected, beside five of another tensor.
TEST(OpenRows, ThatAreRepeatedAreRefused) {
  Rows r;
  r.open = r.b.input("single", {DType::F32, {1, 1, 3}});
  const ValueId rows = r.b.input("rows", {DType::F32, {1, 5, 3}}),
                row = r.b.input("row", {DType::F32, {2, 1, 1, 3}});
  r.b.op("add", {r.open, rows});
  r.expect_refused();
  r.b.op("add", {r.open, row});
  r.expect(2);
}

TEST(OpenRows, OfNothingAreNothing) {
  Rows r;
  const ValueId x = r.b.input("x", {DType::F32, {4}});
  r.b.op("relu", {x});
  const auto rows = r.last();
  ASSERT_TRUE(rows);
  EXPECT_FALSE(*rows);
}

}  // namespace
}  // namespace verge::onnx
