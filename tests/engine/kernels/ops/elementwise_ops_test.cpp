// Kernels that work on elements or rows, forward: odd sizes, so that tails of vectors are met.

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

const graph::Dims kOdd[] = {{1}, {3, 7}, {5, 129}, {2, 3, 31}, {4, 16, 67}};

TEST(ElementwiseOps, AgreeWithTheirReferences) {
  for (const graph::Dims& dims : kOdd) {
    expect_agreement({"add", {reals(dims), reals(dims)}});
    expect_agreement({"mul", {reals(dims), reals(dims)}});
    expect_agreement({"mul", {reals(dims), reals({})}});
    expect_agreement({"relu", {reals(dims)}});
    expect_agreement({"relu", {reals(dims)}, {}, 0, {1}});
    expect_agreement({"scale", {reals(dims)}, {{"factor", -1.75}}});
    expect_agreement({"softcap", {reals(dims)}});
    expect_agreement({"softcap", {reals(dims)}, {{"cap", 0.7}}});
    expect_agreement({"softcap", {reals(dims)}, {{"cap", 30.0}}});
    expect_agreement({"swiglu", {reals(dims), reals(dims)}});
    expect_agreement({"geglu", {reals(dims), reals(dims)}});
    expect_agreement({"sum_rows", {reals(dims)}});
    expect_agreement({"sub", {reals(dims), reals(dims)}});
    expect_agreement({"div", {reals(dims), positive(dims)}});
    expect_agreement({"exp", {reals(dims)}});
    expect_agreement({"softmax", {reals(dims)}});
    expect_agreement({"log_softmax", {reals(dims)}});
    expect_agreement({"clip", {reals(dims)}, {{"min", -0.5}, {"max", 0.75}}});
    expect_agreement({"clip", {reals(dims)}, {{"min", 0.0}, {"max", 6.0}}, 0, {1}});
  }
}

TEST(ElementwiseOps, TheSecondOperandRepeatsAlongLeadingAxes) {
  for (const char* op : {"add", "mul", "sub", "div"}) {
    for (const graph::Dims& dims : {graph::Dims{}, {1}, {67}, {16, 67}, {1, 16, 67}}) {
      expect_agreement({op, {reals({4, 16, 67}), positive(dims)}});
    }
  }
}

OpInput real_input(const graph::Dims& dims) {
  return {{DType::F64, dims}, [](size_t, Rng& rng) { return rng.below(9) - 4.0; }};
}

TEST(ElementwiseOps, ComparisonsAndChoicesOfFloatsAndIntegers) {
  const graph::Dims shapes[][2] = {{{5, 129}, {5, 129}},
                                   {{2, 3, 31}, {3, 1}},
                                   {{4, 1, 67}, {16, 1}},
                                   {{3, 7}, {}},
                                   {{1}, {3, 7}}};
  for (const auto& [x, y] : shapes) {
    for (const char* op : {"lt", "le", "gt", "ge", "eq", "ne"}) {
      expect_agreement({"compare", {real_input(x), real_input(y)}, {{"op", op}}, 0});
      expect_agreement(
          {"compare", {below(3, x, DType::U8), below(3, y, DType::U8)}, {{"op", op}}, 0});
    }
    expect_agreement({"compare", {reals(x), reals(y)}, {{"op", "lt"}}, 0});
    expect_agreement({"where", {below(2, y, DType::U8), reals(x), reals({})}, {}, 0});
    expect_agreement({"where", {below(2, x, DType::U8), real_input(y), real_input(x)}, {}, 0});
  }
}

TEST(ElementwiseOps, RoundingAndArithmeticOfIntegers) {
  for (const graph::Dims& dims : kOdd) {
    for (const char* mode : {"even", "floor", "ceil", "trunc"}) {
      expect_agreement({"round", {reals(dims)}, {{"mode", mode}}, 0});
      const OpInput halves = {{DType::F64, dims},
                              [](size_t, Rng& rng) { return rng.below(9) / 2.0 - 2; }};
      expect_agreement({"round", {halves}, {{"mode", mode}}, 0});
    }
    for (const char* op : {"add", "sub", "mul", "div", "maximum", "minimum"}) {
      expect_agreement({op, {real_input(dims), real_input({})}, {}, 0});
    }
    expect_agreement({"scale", {real_input(dims)}, {{"factor", 3.0}, {"offset", -1.0}}, 0});
    for (const char* to : {"f32", "f64", "u8", "i32"}) {
      expect_agreement({"cast", {below(9, dims, DType::F64)}, {{"to", to}}, 0});
      expect_agreement({"cast", {below(9, dims, DType::U8)}, {{"to", to}}, 0});
      expect_agreement({"cast", {below(9, dims, DType::F32)}, {{"to", to}}, 0});
    }
  }
}

TEST(ElementwiseOps, EveryActivationAndItsSlope) {
  struct Function {
    const char* op;
    graph::Attrs attrs = {};
  };
  const Function functions[] = {{"silu"},
                                {"gelu"},
                                {"gelu", {{"approximate", "none"}}},
                                {"sigmoid"},
                                {"tanh"},
                                {"hsigmoid"},
                                {"hswish"},
                                {"leaky_relu", {{"slope", 0.2}}},
                                {"softcap", {{"cap", 2.5}}}};
  for (const Function& f : functions) {
    for (const graph::Dims& dims : kOdd) {
      const OpInput wide = {{DType::F32, dims}, [](size_t, Rng& rng) { return 4 * rng.normal(); }};
      const OpCase forward{f.op, {wide}, f.attrs};
      expect_agreement(forward);
      const std::string_view op = f.op;
      const bool saves_y = op == "sigmoid" || op == "tanh" || op == "softcap";
      const OpInput saved = saves_y ? given(dims, reference_of(forward)[0]) : wide;
      graph::Attrs attrs = f.attrs;
      attrs.set("of", std::string(op));
      expect_agreement({"activation_grad", {saved, reals(dims)}, attrs});
    }
  }
}

TEST(ElementwiseOps, CastsBetweenFloatsAndTheirHalves) {
  for (const graph::Dims& dims : kOdd) {
    for (const char* half : {"f16", "bf16"}) {
      expect_agreement({"cast", {reals(dims)}, {{"to", half}}, 0});
      expect_agreement({"cast", {stored(*dtype_from_name(half), dims)}, {{"to", "f32"}}, 0});
    }
  }
}

TEST(ElementwiseOps, CopiesAreTheSameElsewhere) {
  for (const graph::Dims& dims : kOdd) {
    expect_agreement({"copy", {reals(dims)}, {{"to", std::string("device")}}, 0});
    expect_agreement({"copy", {below(9, dims, DType::U8)}, {{"from", std::string("device")}}, 0});
  }
}

TEST(ElementwiseOps, MaskKeepsWhatPassed) {
  for (const int64_t count : {1, 7, 8, 9, 511, 513, 4099}) {
    const int64_t bytes = (count + 7) / 8;
    expect_agreement({"apply_mask", {reals({count}), below(256, {bytes}, DType::U8)}});
  }
}

TEST(NormOps, AgreeWithTheirReferences) {
  const graph::Attrs attrs{{"eps", 1e-3}};
  for (const graph::Dims& dims : kOdd) {
    const graph::Dims row = {dims.back()};
    expect_agreement({"rms_norm", {reals(dims), reals(row)}, attrs});
    expect_agreement({"rms_norm", {reals(dims), absent()}, attrs});
    expect_agreement({"rms_norm", {reals(dims), reals(row)}, attrs, 2e-4, {1}});
  }
}

TEST(NormOps, OfLayersAgree) {
  const graph::Attrs attrs{{"eps", 1e-3}};
  for (const graph::Dims& dims : kOdd) {
    const graph::Dims row = {dims.back()};
    expect_agreement({"layer_norm", {reals(dims), reals(row), reals(row)}, attrs});
    expect_agreement({"layer_norm", {reals(dims), reals(row), absent()}, attrs, 2e-4, {1, 2}});
  }
}

TEST(SliceOps, EveryAxisAndRange) {
  using Range = std::array<int64_t, 3>;  // axis, start, size of an axis of [4, 5, 6]
  for (const auto& [axis, start, size] :
       {Range{0, 0, 4}, {0, 3, 1}, {1, 2, 3}, {2, 1, 4}, {-1, 5, 1}, {-3, 1, 2}}) {
    const graph::Attrs range{{"axis", axis}, {"start", start}, {"size", size}};
    expect_agreement({"slice", {reals({4, 5, 6})}, range, 0});
    expect_agreement({"slice", {levels(DType::I8, {4, 5, 6})}, range, 0});
    expect_agreement({"slice", {levels(DType::U8, {4, 5, 6})}, range, 0});
    expect_agreement({"slice", {below(1 << 20, {4, 5, 6})}, range, 0});
  }
}

TEST(ConcatOps, EveryAxisAndType) {
  for (const int64_t axis : {0, 1, 2, -1}) {
    std::vector<OpInput> inputs;
    for (const int64_t extent : {3, 1, 65}) {
      graph::Dims dims = {4, 5, 6};
      dims[static_cast<size_t>(axis < 0 ? 2 : axis)] = extent;
      inputs.push_back(reals(dims));
    }
    expect_agreement({"concat", inputs, {{"axis", axis}}, 0});
  }
  expect_agreement({"concat", {below(9, {2, 7}), below(9, {2, 3})}, {{"axis", int64_t{1}}}, 0});
}

TEST(TransposeOps, EveryOrderOfAxes) {
  std::vector<int64_t> perm = {0, 1, 2};
  do {
    expect_agreement({"transpose", {reals({3, 17, 5})}, {{"perm", perm}}, 0});
  } while (std::ranges::next_permutation(perm).found);
  expect_agreement({"transpose", {reals({7})}, {{"perm", std::vector<int64_t>{0}}}, 0});
}

TEST(RowOps, PickTheRowsAsked) {
  for (const int64_t width : {1, 33, 128}) {
    expect_agreement({"gather_rows", {reals({9, width}), below(9, {5})}, {}, 0});
    expect_agreement({"embedding", {reals({9, width}), below(9, {2, 7})}, {{"scale", 3.5}}});
  }
  for (const DType type : {DType::F16, DType::BF16, DType::Q8_0, DType::Q4_K, DType::Q6_K}) {
    expect_agreement({"embedding", {stored(type, {11, 256}), below(11, {7})}});
  }
}

TEST(RopeOps, AgreeWithTheirReferences) {
  for (const char* pairs : {"half", "interleaved"}) {
    for (const int64_t inverse : {0, 1}) {
      const graph::Attrs attrs{{"pairs", std::string(pairs)}, {"inverse", inverse}};
      expect_agreement({"rope", {reals({5, 3, 16}), reals({5, 16})}, attrs});
      expect_agreement({"rope", {reals({5, 3, 22}), reals({5, 6})}, attrs});
      expect_agreement({"rope", {reals({2, 7, 1, 10}), reals({7, 10})}, attrs});
    }
  }
  expect_agreement({"rope_angles", {below(100000, {9}), positive({11})}, {{"magnitude", 1.25}}});
}

TEST(ElementwiseOps, InputsThatRepeatAlongAnyAxis) {
  for (const char* op : {"add", "sub", "mul", "div", "maximum", "minimum", "pow"}) {
    const auto pair = [&](graph::Dims x, graph::Dims y) {
      expect_agreement({op, {positive(std::move(x)), positive(std::move(y))}});
    };
    pair({2, 3, 5, 7}, {1, 3, 1, 1});
    pair({2, 3, 5, 7}, {2, 3, 1, 1});
    pair({2, 3, 1, 7}, {3, 5, 1});
    pair({}, {3, 70});
    pair({9, 1}, {1, 11});
    pair({5, 1, 3}, {5, 4, 3});
    pair({3, 70}, {});
  }
}

TEST(ElementwiseOps, ScaleWithAnOffset) {
  expect_agreement({"scale", {reals({3, 33})}, {{"factor", 0.5}, {"offset", -2.0}}});
}

TEST(ElementwiseOps, FunctionsOfLibm) {
  expect_agreement({"sqrt", {positive({3, 33})}});
  expect_agreement({"log", {positive({3, 33})}});
  expect_agreement({"erf", {reals({3, 33})}});
}

TEST(ElementwiseOps, Reductions) {
  const auto reduce = [](std::vector<int64_t> axes, int64_t keep) {
    for (const char* op : {"reduce_mean", "reduce_sum", "reduce_max"}) {
      expect_agreement({op, {reals({3, 4, 5, 7})}, {{"axes", axes}, {"keep", keep}}});
      expect_agreement({op, {reals({2, 3, 1, 19})}, {{"axes", axes}, {"keep", keep}}});
    }
  };
  reduce({-1}, 0);
  reduce({1, 2}, 1);
  reduce({0}, 0);
  reduce({0, 2, 3}, 0);  // of each channel of an image
  reduce({0, 2}, 1);
  reduce({1, 3}, 0);
  reduce({0, 1, 2, 3}, 0);
}

TEST(ElementwiseOps, RepeatsAndBorders) {
  const graph::Attrs to = {{"dims", std::vector<int64_t>{2, 3, 4, 5}},
                           {"symbols", std::vector<int64_t>{-1, -1, -1, -1}}};
  for (const graph::Dims& x : {graph::Dims{3, 1, 5}, graph::Dims{2, 1, 4, 1}, graph::Dims{1}}) {
    expect_agreement({"broadcast_to", {reals(x)}, to});
  }
  expect_agreement({"pad",
                    {reals({2, 3, 4})},
                    {{"before", std::vector<int64_t>{1, 0, 2}},
                     {"after", std::vector<int64_t>{0, 2, 1}},
                     {"value", 0.5}}});
}

}  // namespace
}  // namespace verge::kernels
