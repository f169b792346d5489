#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

struct Mistake {
  std::string text;
  std::string message;
};

TEST(TextParse, EveryMistakeIsNamedWithItsPlace) {
  const std::string x = "graph \"g\"\ninput 0 \"x\" f32 [4]\n";
  const Mistake mistakes[] = {
      {"grap \"g\"", "line 1, column 1: graph, symbol, input"},
      {"graph g", "line 1, column 7: \"\"\" expected"},
      {"graph \"g", "line 1, column 9: \"\"\" expected"},
      {"graph \"g\" 7", "line 1, column 11: nothing more expected"},
      {"input 1 \"x\" f32 [4]", "value 0 expected"},
      {"input 0 \"x\" f32 [4", "\"]\" expected"},
      {"input 0 \"x\" f32 [n]", "no symbol n"},
      {"input 0 \"x\" f32 [2*n]", "no symbol n"},
      {"input 0 \"x\" f32 [1, 1, 1, 1, 1, 1, 1]", "too many extents"},
      {"symbol \"n\" 0", "a bound of at least 1 expected"},
      {"symbol \"n\" many", "a whole number expected"},
      {"const 0 \"c\" f32 [1] = 0x0000", "the constant's bytes do not fit its type"},
      {"const 0 \"c\" q4_0 [3] = 0x", "rows that are no whole blocks"},
      {"const 0 \"c\" f32 [-1, -1] = 0x00000000", "cannot be negative"},
      {"const 0 \"c\" u8 [4294967296, 4294967296] = 0x", "too many elements"},
      {x + "value 1 \"y\" f32 [4]\nfwd 1 = expp(0)", "line 4, column 13: no operator expp"},
      {x + "value 1 \"y\" f32 [4]\nfwd 1 = exp 0", "\"(\" expected"},
      {x + "value 1 \"y\" f32 [4]\nfwd 1 = exp(0", "\")\" expected"},
      {x + "value 1 \"y\" f32 [4]\nfwd 1 = scale(0) {factor}", "\"=\" expected"},
      {x + "value 1 \"y\" f32 [4]\nfwd 1 = scale(0) {factor=1.x}", "a number expected"},
      {x + "value 1 \"y\" f32 [4] alias=\"z\"\nfwd 1 = exp(0)",
       "y overwrites z, which is not declared"},
      {x + "value 1 \"y\" f32 [4]\nfwd 1 = exp(99)", "99"},
  };
  for (const Mistake& mistake : mistakes) {
    const Result<Graph> graph = parse(mistake.text);
    ASSERT_FALSE(graph) << mistake.text;
    EXPECT_EQ(graph.error().code, Code::Malformed) << mistake.text;
    EXPECT_NE(graph.error().message.find(mistake.message), std::string::npos)
        << mistake.text << "\n"
        << graph.error().message;
  }
}

TEST(TextParse, SymbolsMayBeginAlike) {
  Builder b("symbols");
  const SymbolId t = b.symbol("t", 4), tokens = b.symbol("tokens", 8), t2 = b.symbol("t_2", 3);
  b.output(b.op("exp", {b.input("x", {DType::F32, {Dim(1, tokens), Dim(3, t2), Dim(1, t)}})}), "y");
  const std::string text = print(*b.finish());
  const Result<Graph> again = parse(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print(*again), text);
}

TEST(TextParse, AttributesComeBackExactly) {
  const Attr attrs[] = {int64_t{0},
                        std::numeric_limits<int64_t>::min(),
                        0.1,
                        -3.0,
                        1e300,
                        5e-324,
                        std::numeric_limits<double>::infinity(),
                        std::string(),
                        std::string("a \"b\" \\ {c=1}, @\n"),
                        std::vector<int64_t>{},
                        std::vector<int64_t>{-1, 0, 7}};
  for (const Attr& attr : attrs) {
    Builder b("attrs");
    b.source("layer \"1\"");
    b.output(b.op("exp", {b.input("x", {DType::F32, {2}})}, {{"a", attr}, {"b", int64_t{1}}}), "y");
    const Graph graph = *b.finish();
    const Result<Graph> again = parse(print(graph));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->nodes[0].attrs, graph.nodes[0].attrs) << print(graph);
    EXPECT_EQ(again->nodes[0].source, graph.nodes[0].source);
  }
}

// One character changed, added or taken away: a graph or an error, and what is read prints the same
// again.
TEST(TextParse, DamagedTextIsRefusedOrReadTheSameAgain) {
  Builder b("g");
  const SymbolId n = b.symbol("n", 8);
  const ValueId x = b.input("x", {DType::F32, {Dim(2, n), 4}});
  const ValueId w = b.param("w", {DType::Q8_0, {3, 32}});
  b.output(b.op("linear", {b.op("concat", {x, x, x, x, x, x, x, x}, {{"axis", int64_t{1}}}), w}),
           "y");
  const std::string text = print(*b.finish());
  Rng rng(3);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = text;
    const size_t at = rng.below(static_cast<uint32_t>(text.size()));
    const char c = "0123456789-*_[](){}=,\" \nanxyz"[rng.below(29)];
    if (i % 3 == 0) damaged[at] = c;
    if (i % 3 == 1) damaged.insert(at, 1, c);
    if (i % 3 == 2) damaged.erase(at, 1);
    const Result<Graph> graph = parse(damaged);
    if (!graph) continue;
    const Result<Graph> again = parse(print(*graph));
    ASSERT_TRUE(again) << damaged << again.error().message;
    EXPECT_EQ(print(*again), print(*graph));
  }
}

}  // namespace
}  // namespace verge::graph
