#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

Graph example() {
  Builder b("an \"example\"");
  const SymbolId tokens = b.symbol("tokens", 512);
  const ValueId x = b.input("x", {DType::F32, {Dim(2, tokens), 64}});
  b.source("blk.0");
  const ValueId y = b.op("linear", {x, b.param("w", {DType::Q4_0, {32, 64}})});
  Tensor table(DType::F32, {2});
  table.span<float>()[1] = -1.5f;
  b.constant("table", std::move(table));
  b.output(b.op("scale", {y}, {{"factor", 0.1}}), "y");
  return *b.finish();
}

TEST(TextForm, ParseOfPrintIsTheGraph) {
  const std::string text = print(example());
  Result<Graph> again = parse(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print(*again), text);
  EXPECT_EQ(again->nodes[1].attrs.real("factor"), 0.1);
  EXPECT_EQ(again->value(again->find("table")).data->span<float>()[1], -1.5f);
}

TEST(TextForm, EveryCutIsRefusedOrASmallerGraph) {
  const std::string text = print(example());
  for (size_t length = 0; length < text.size(); ++length) {
    const Result<Graph> cut = parse(text.substr(0, length));
    if (!cut) {
      EXPECT_FALSE(cut.error().message.empty());
    }
  }
}

TEST(TextForm, ErrorsNameLineAndColumn) {
  const Result<Graph> bad = parse("graph \"g\"\ninput 0 \"x\" f33 [2]\n");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "graph text, line 2, column 17: f33 is not a type");
}

}  // namespace
}  // namespace verge::graph
