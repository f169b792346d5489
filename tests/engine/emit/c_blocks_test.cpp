#include <cstring>

#include <verge/engine/emit/c_blocks.hpp>
#include <verge/engine/quant/quantize.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

constexpr int64_t kOut = 3, kIn = 512;

// Of a type that can be written, numbers; else any bytes but for scales, which are 1 or below.
Tensor weights_of(DType dtype) {
  Tensor tensor(dtype, {kOut, kIn});
  Rng rng(static_cast<uint64_t>(dtype) + 1);
  std::vector<float> values(kOut * kIn);
  for (float& value : values) value = rng.normal();
  if (quant::can_quantize(dtype)) {
    EXPECT_TRUE(quant::quantize_row(dtype, values.data(), tensor.view().data, kOut * kIn));
    return tensor;
  }
  auto* bytes = tensor.view().as<uint8_t>();
  const int64_t block = info(dtype).block_bytes;
  for (int64_t i = 0; i < tensor.view().bytes(); ++i) {
    bytes[i] = static_cast<uint8_t>(rng.below(256));
    if (dtype == DType::IQ4_XS && i % block == 1) bytes[i] = static_cast<uint8_t>(rng.below(0x38));
  }
  return tensor;
}

// A product, rows of the same matrix, and a product with experts.
graph::Graph products_of(DType dtype) {
  graph::Builder b("products");
  const auto w = b.param("w", {dtype, {kOut, kIn}});
  const auto many = b.param("many", {dtype, {1, kOut, kIn}});
  const auto x = b.input("x", {DType::F32, {2, kIn}});
  const auto ids = b.input("ids", {DType::I32, {2}});
  b.output(b.op("linear", {x, w}), "y");
  b.output(b.op("embedding", {w, ids}, {{"scale", 0.5}}), "rows");
  const auto rows = b.op(
      "reshape", {x},
      {{"dims", std::vector<int64_t>{2, 1, kIn}}, {"symbols", std::vector<int64_t>{-1, -1, -1}}});
  const auto experts =
      b.op("reshape", {b.input("experts", {DType::I32, {2}})},
           {{"dims", std::vector<int64_t>{2, 1}}, {"symbols", std::vector<int64_t>{-1, -1}}});
  b.output(b.op("expert_linear", {rows, many, experts}), "z");
  return *b.finish();
}

void expect_blocks(DType dtype) {
  SCOPED_TRACE(name(dtype));
  const graph::Graph graph = products_of(dtype);
  const Tensor weights = weights_of(dtype);
  const TensorView many{weights.view().data, dtype, Shape{1, kOut, kIn}};
  support::GraphRunner runner(graph);
  for (const char* param : {"w", "many"}) {
    std::memcpy(runner.tensor(param).data, weights.view().data,
                static_cast<size_t>(weights.view().bytes()));
  }
  Rng rng(3);
  std::vector<double> x(2 * kIn);
  for (double& value : x) value = rng.normal();
  runner.set("x", x);
  runner.set("ids", {2, 1});
  runner.run();

  const auto source = emit_c(graph,
                             [&](std::string_view param) -> std::optional<TensorView> {
                               return param == "w" ? weights.view() : many;
                             },
                             {.name = "net"});
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source->constant_bytes, 2 * weights.view().bytes());
  CModule module(*source, true);
  const std::vector<float> floats(x.begin(), x.end());
  const int32_t ids[] = {2, 1}, experts[] = {0, 0};
  std::vector<float> y(2 * kOut), rows(2 * kIn), z(2 * kOut);
  std::map<std::string_view, const void*> inputs = {
      {"x", floats.data()}, {"ids", ids}, {"experts", experts}};
  std::vector<const void*> given;
  for (size_t i = 0; i < 3; ++i) given.push_back(inputs.at(module.inputs()[i].name));
  std::map<std::string_view, std::vector<float>*> outputs = {{"y", &y}, {"rows", &rows}, {"z", &z}};
  std::vector<void*> taken;
  for (size_t i = 0; i < 3; ++i) taken.push_back(outputs.at(module.outputs()[i].name)->data());
  ASSERT_EQ(module.call(given, taken), 0);
  for (const auto& [output, values] : outputs) {
    expect_c_values(output, {values->begin(), values->end()}, runner.get(output), 1e-5);
  }
}

TEST(CBlocks, EachFormatIsReadAsItsDecoderReadsIt) {
  for (const DType dtype : {DType::F16, DType::BF16, DType::Q4_0, DType::Q4_1, DType::Q5_0,
                            DType::Q5_1, DType::Q8_0, DType::IQ4_NL, DType::IQ4_XS, DType::Q2_K,
                            DType::Q3_K, DType::Q4_K, DType::Q5_K, DType::Q6_K, DType::TQ2_0}) {
    expect_blocks(dtype);
  }
}

TEST(CBlocks, SizesAreThoseOfTheFormat) {
  for (const DTypeInfo& type : all_dtypes()) {
    const CBlocks* blocks = find_c_blocks(type.dtype);
    if (blocks == nullptr) continue;
    EXPECT_EQ(blocks->bytes, bytes_of(type.dtype, blocks->values)) << type.name;
    EXPECT_NE(blocks->decode.find(fmt::format("decode_{}(", blocks->name)), std::string::npos);
  }
  EXPECT_EQ(find_c_blocks(DType::Q8_K), nullptr);
  EXPECT_EQ(find_c_blocks(DType::F32), nullptr);
}

TEST(CBlocks, FormatsWithoutCAreNamedWithTheirTensors) {
  graph::Builder b("two");
  const auto x = b.input("x", {DType::F32, {1, 256}});
  b.source("blk.0.attn");
  const auto y = b.op("linear", {x, b.param("blk.0.q", {DType::TQ1_0, {256, 256}})});
  b.source("blk.0.ffn");
  b.output(b.op("linear", {y, b.param("blk.0.up", {DType::Q8_K, {4, 256}})}), "y");
  const auto source = emit_c(*b.finish(), {}, {});
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Code::Unsupported);
  for (const char* part : {"2 of 2 nodes", "linear (blk.0.attn): blk.0.q is tq1_0",
                           "linear (blk.0.ffn): blk.0.up is q8_K"}) {
    EXPECT_NE(source.error().message.find(part), std::string::npos) << source.error().message;
  }
}

// Rows that the 32 numbers of a step do not divide are floats.
TEST(CBlocks, OddRowsOfHalvesAreFloats) {
  graph::Builder b("odd");
  b.output(
      b.op("linear", {b.input("x", {DType::F32, {2, 19}}), b.param("w", {DType::F16, {3, 19}})}),
      "y");
  std::vector<double> w(57);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<double>(i) / 8 - 3;
  CCheck(*b.finish(), {{"w", w}}).expect_equal();
}

}  // namespace
}  // namespace verge::emit
