#pragma once
// A graph of `layers` equal layers, each with a residual, for the tests of pictures.

#include <verge/engine/graph/builder.hpp>

namespace verge::support {

inline graph::Graph layered_graph(int layers, bool is_quantized_recipe = false,
                                  bool has_symbol = true) {
  graph::Builder b("layered");
  const graph::Dim tokens = has_symbol ? graph::Dim(1, b.symbol("tokens", 8)) : graph::Dim(8);
  graph::ValueId x = b.input("x", {DType::F32, {tokens, 32}});
  b.source("head");
  x = b.op("exp", {x});
  for (int i = 0; i < layers; ++i) {
    b.source(fmt::format("blk.{}.ffn", i));
    const DType dtype = is_quantized_recipe && i % 2 == 1 ? DType::Q8_0 : DType::F32;
    const auto up = b.param(fmt::format("blk.{}.up", i), {dtype, {64, 32}});
    const auto down = b.param(fmt::format("blk.{}.down", i), {DType::F32, {32, 64}});
    const auto inner = b.op("silu", {b.op("linear", {x, up})});
    x = b.op("add", {x, b.op("linear", {inner, down})});
  }
  b.source("tail");
  b.output(b.op("softmax", {x}), "y");
  return *b.finish();
}

}  // namespace verge::support
