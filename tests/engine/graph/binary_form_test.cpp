#include <gtest/gtest.h>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/binary_form.hpp>
#include <verge/engine/graph/text_form.hpp>

#include "layered_graph.hpp"
#include "random_graph.hpp"

namespace verge::graph {
namespace {

// Every kind of value, attribute, phase and flag.
Graph rich_graph() {
  Builder b(support::layered_graph(2, false, false));
  Tensor table(DType::F32, {2});
  table.span<float>()[1] = -1.5f;
  const ValueId y = b.graph().find("y");
  const ValueId scaled = b.op(
      "mul", {b.op("reduce_sum", {y}, {{"axes", std::vector<int64_t>{1}}, {"keep", int64_t{1}}}),
              b.constant("table", std::move(table))});
  const ValueId loss = b.op("reduce_mean", {scaled});
  b.output(loss, "loss");
  const std::vector<ValueId> weights = {b.graph().find("blk.0.up"), b.graph().find("blk.1.down")};
  return *add_updates(*differentiate(*b.finish(), loss, weights), weights, {});
}

TEST(BinaryForm, ReadOfWriteIsTheGraph) {
  std::vector<Graph> graphs = {rich_graph(), Graph{}};
  for (uint64_t seed = 0; seed < 10; ++seed) graphs.push_back(support::random_graph(seed));
  for (const Graph& graph : graphs) {
    const auto again = read_binary(write_binary(graph));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(print(*again), print(graph));
    EXPECT_EQ(write_binary(*again), write_binary(graph));
  }
}

TEST(BinaryForm, EveryCutIsRefused) {
  const std::vector<std::byte> whole = write_binary(rich_graph());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_binary(std::span(whole).first(size))) << size;
  }
}

// Whatever a byte becomes, the result is an error or a graph that verifies.
TEST(BinaryForm, EveryChangedByteIsRefusedOrAnotherGoodGraph) {
  const std::vector<std::byte> whole = write_binary(support::layered_graph(1));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {1, 0x80, 0xFF}) {
      std::vector<std::byte> changed = whole;
      changed[at] ^= static_cast<std::byte>(flip);
      const auto graph = read_binary(changed);
      EXPECT_TRUE(!graph || verify(*graph)) << at;
    }
  }
}

TEST(BinaryForm, NamesWhatThisBuildLacks) {
  std::vector<std::byte> bytes = write_binary(support::layered_graph(1));
  const std::string_view op = "silu";
  auto* begin = reinterpret_cast<char*>(bytes.data());
  char* at = std::search(begin, begin + bytes.size(), op.begin(), op.end());
  std::copy_n("sulu", 4, at);
  const auto unknown = read_binary(bytes);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::Unsupported);
  EXPECT_NE(unknown.error().message.find("no operator sulu"), std::string::npos);
  bytes[0] ^= std::byte{1};
  EXPECT_EQ(read_binary(bytes).error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::graph
