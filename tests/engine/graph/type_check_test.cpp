#include <gtest/gtest.h>

#include <verge/engine/graph/type_check.hpp>

namespace verge::graph {
namespace {

TEST(TypeCheck, RefusesWhatCannotBeComputedWith) {
  Graph graph;
  graph.symbols = {{"tokens", 512}};
  EXPECT_TRUE(check_type(graph, {DType::Q4_0, {Dim(1, 0), 64}}));
  EXPECT_TRUE(check_type(graph, {DType::F32, {}}));
  const Type wrong[] = {{DType::F32, {Dim(1, 1)}},
                        {DType::F32, {int64_t{1} << 40, 64}},
                        {DType::F32, {-2}},
                        {DType::F32, Dims(9, Dim(1))},
                        {DType::Q4_0, {16}},
                        {DType::Q4_0, {}},
                        {DType::Q4_0, {64, Dim(32, 0)}}};
  for (const Type& type : wrong) EXPECT_FALSE(check_type(graph, type));
  EXPECT_TRUE(check_symbols(graph));
  graph.symbols[0].bound = -1;
  EXPECT_FALSE(check_symbols(graph));
}

}  // namespace
}  // namespace verge::graph
