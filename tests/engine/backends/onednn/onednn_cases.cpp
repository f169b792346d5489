#include "onednn_cases.hpp"

#include <algorithm>
#include <stdexcept>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>

namespace verge::backends {
namespace {

using graph::Attrs;
using graph::Builder;
using graph::Dims;
using graph::ValueId;

using List = std::vector<int64_t>;

int64_t between(Rng& rng, int64_t low, int64_t high) {
  return low + rng.below(static_cast<uint32_t>(high - low + 1));
}

// One node: input i is given at each run, or a weight where `weights` says so. Uniform in [-1, 1).
OneDnnCase one(std::string op, const std::vector<Dims>& inputs, Attrs attrs,
               const std::vector<bool>& weights = {}) {
  Builder b("case");
  std::vector<ValueId> ids;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const graph::Type type{DType::F32, inputs[i]};
    const std::string name = fmt::format("i{}", i);
    if (inputs[i].empty()) {
      ids.push_back(graph::kNone);
    } else {
      const bool is_weight = i < weights.size() && weights[i];
      ids.push_back(is_weight ? b.param(name, type) : b.input(name, type));
    }
  }
  std::string text = op;
  for (const Dims& dims : inputs) {
    text += " [";
    for (const graph::Dim& dim : dims) text += fmt::format(" {}", dim.factor);
    text += " ]";
  }
  graph::ValueId y = b.op(op, ids, std::move(attrs));
  b.output(y, "y");
  Result<graph::Graph> finished = b.finish();
  if (!finished) throw std::invalid_argument(finished.error().message);
  graph::Graph graph = *std::move(finished);
  auto& outputs = graph.nodes[0].outputs;
  for (size_t i = 1; i < outputs.size(); ++i) outputs[i] = graph::kNone;  // masks that nobody reads
  return {text, std::move(graph)};
}

// Of what a sigmoid and a constant make positive; `rank` of the divisor, a weight.
OneDnnCase of_positive(const std::string& op, const Dims& image, size_t rank) {
  Builder b("case");
  const ValueId x = b.input("x", {DType::F32, image});
  ValueId y = b.op("scale", {b.op("sigmoid", {x})}, {{"factor", 1.0}, {"offset", 0.25}});
  if (op == "div") {
    const Dims dims = rank == 4 ? Dims{1, image[1], 1, 1} : Dims{1};
    const ValueId w = b.op("sigmoid", {b.input("w", {DType::F32, dims})});
    y = b.op("div", {x, b.op("scale", {w}, {{"factor", 1.0}, {"offset", 0.25}})});
  } else {
    y = b.op(op, {y});
  }
  b.output(y, "y");
  return {fmt::format("{} of what is positive", op), dead_code(*b.finish())};
}

constexpr const char* kActivations[] = {"none",   "relu",     "relu6", "silu",    "sigmoid",
                                        "hswish", "hsigmoid", "gelu",  "gelu_erf"};

void add_convolutions(Rng& rng, std::vector<OneDnnCase>& cases) {
  for (int i = 0; i < 60; ++i) {
    const int64_t groups = i % 3 == 0 ? between(rng, 1, 4) : 1;
    const bool is_depthwise = i % 5 == 4;
    const int64_t in = between(rng, 1, 20) * groups,
                  out = is_depthwise ? in : between(rng, 1, 20) * groups;
    const int64_t by = is_depthwise ? in : groups, kernel = 1 + 2 * rng.below(3);
    const auto pad = [&] { return between(rng, 0, std::min<int64_t>(2, kernel - 1)); };
    Attrs attrs = {{"groups", by},
                   {"activation", std::string(kActivations[i % std::size(kActivations)])},
                   {"strides", List{between(rng, 1, 2), between(rng, 1, 2)}},
                   {"pads", List{pad(), pad(), pad(), pad()}}};
    if (i % 7 == 3) attrs.set("dilations", List{2, 1});
    if (i % 4 == 1) attrs.set("factor", 0.5);
    if (i % 4 == 1) attrs.set("offset", 0.25);
    std::vector<Dims> inputs = {{between(rng, 1, 3), in, between(rng, 9, 14), between(rng, 9, 14)},
                                {out, in / by, kernel, kernel}};
    inputs.push_back(i % 2 == 0 ? Dims{out} : Dims{});
    OneDnnCase made = one("conv2d", inputs, attrs, {false, true, true});
    if (i % 3 == 1) {  // and the same with a residual
      attrs.set("activate_sum", int64_t{i % 2});
      inputs.push_back(made.graph.value(made.graph.nodes[0].outputs[0]).type.dims);
      made = one("conv2d", inputs, attrs, {false, true, true});
    }
    cases.push_back(std::move(made));
  }
  for (int i = 0; i < 16; ++i) {
    const int64_t groups = 1 + i % 2, stride = 1 + i % 3;
    Attrs attrs = {{"groups", groups}, {"strides", List{stride, stride}}};
    if (i % 4 == 1) attrs.set("pads", List{1, 0, 0, 1});
    if (stride > 1 && i % 4 == 2) attrs.set("output_padding", List{1, 0});
    const int64_t in = 2 * groups * between(rng, 1, 9), out = groups * between(rng, 1, 9);
    cases.push_back(one("conv_transpose2d",
                        {{between(rng, 1, 2), in, 5, 7}, {in, out / groups, 3, 2}, {out}}, attrs,
                        {false, true, true}));
  }
}

void add_products(Rng& rng, std::vector<OneDnnCase>& cases) {
  for (int i = 0; i < 20; ++i) {
    const int64_t in = between(rng, 1, 70), out = between(rng, 1, 70), rows = between(rng, 1, 9);
    std::vector<Dims> inputs = {{rows, 2, in}, {out, in}};
    inputs.push_back(i % 2 == 0 ? Dims{out} : Dims{});
    if (i % 3 == 0) inputs.push_back({rows, 2, out});
    cases.push_back(one("linear", inputs,
                        {{"activation", std::string(kActivations[i % std::size(kActivations)])}},
                        {false, true, true}));
  }
  for (int i = 0; i < 8; ++i) {
    const int64_t m = between(rng, 1, 20), k = between(rng, 1, 20), n = between(rng, 1, 20);
    const bool batched = (i & 4) != 0, a = (i & 1) != 0, c = (i & 2) != 0 && (batched || !a);
    Dims left = a ? Dims{k, m} : Dims{m, k}, right = c ? Dims{n, k} : Dims{k, n};
    if (batched) left.insert(left.begin(), {2, 3});
    if (batched) right.insert(right.begin(), {2, 3});
    cases.push_back(one(
        "matmul", {left, right},
        {{"transpose_a", int64_t{a}}, {"transpose_b", int64_t{c}}, {"batched", int64_t{batched}}}));
  }
}

void add_elements(Rng& rng, std::vector<OneDnnCase>& cases) {
  const Dims image = {2, between(rng, 1, 20), 3, 5};
  for (const char* op : {"relu", "silu", "sigmoid", "hswish", "hsigmoid", "gelu", "tanh", "exp"}) {
    cases.push_back(one(op, {image}, {}));
    cases.push_back(one(op, {{7}}, {}));
  }
  cases.push_back(one("gelu", {image}, {{"approximate", std::string("none")}}));
  cases.push_back(one("clip", {image}, {{"min", -0.25}, {"max", 0.5}}));
  cases.push_back(one("clip", {image}, {{"min", 0.125}}));
  cases.push_back(one("leaky_relu", {image}, {{"slope", 0.2}}));
  cases.push_back(one("scale", {image}, {{"factor", 3.0}, {"offset", -1.0}}));
  for (const char* op : {"add", "sub", "mul", "maximum", "minimum"}) {
    cases.push_back(one(op, {image, image}, {}));
    cases.push_back(one(op, {image, {1, image[1], 1, 1}}, {}, {false, true}));
    cases.push_back(one(op, {image, {1}}, {}, {false, true}));
    if (std::string_view(op) != "sub") cases.push_back(one(op, {{1, image[1], 1, 1}, image}, {}));
  }
  for (const bool is_log : {true, false}) {
    cases.push_back(of_positive(is_log ? "log" : "sqrt", image, 0));
    cases.push_back(of_positive("div", image, is_log ? 4 : 1));
  }
  cases.push_back(one("softmax", {{2, 3, 17}}, {}));
  cases.push_back(one("softmax", {{5, 1000}}, {}));
  cases.push_back(one("layer_norm", {{2, 3, 17}, {17}, {17}}, {}, {false, true, true}));
  cases.push_back(one("layer_norm", {{4, 32}, {32}}, {{"eps", 1e-3}}, {false, true}));
}

void add_images(Rng& rng, std::vector<OneDnnCase>& cases) {
  for (int i = 0; i < 16; ++i) {
    Attrs attrs = {{"kernel", List{2 + i % 2, 3}},
                   {"strides", List{between(rng, 1, 2), between(rng, 1, 3)}},
                   {"pads", List{i % 2, 1, 1, i % 3}}};
    if (i % 4 == 2) attrs.set("count_include_pad", int64_t{1});
    cases.push_back(one(i % 2 == 0 ? "avg_pool2d" : "max_pool2d",
                        {{between(rng, 1, 2), between(rng, 1, 33), 8, 9}}, attrs));
  }
  for (const int64_t channels : {1, 16, 19}) {
    cases.push_back(one("global_avg_pool", {{2, channels, 5, 7}}, {}));
    cases.push_back(one("upsample_nearest", {{2, channels, 5, 7}}, {}));
    cases.push_back(one("upsample_nearest", {{1, channels, 2, 3}}, {{"factor", int64_t{3}}}));
    cases.push_back(
        one("concat", {{2, channels, 5, 7}, {2, 16, 5, 7}, {2, 3, 5, 7}}, {{"axis", int64_t{1}}}));
    cases.push_back(
        one("reduce_mean", {{2, channels, 5, 7}}, {{"axes", List{2, 3}}, {"keep", int64_t{1}}}));
  }
  cases.push_back(one("concat", {{2, 3}, {2, 5}}, {{"axis", int64_t{-1}}}));
  for (const int64_t axis : {0, 1, -1}) {
    cases.push_back(one("slice", {{1, 19, 5, 7}},
                        {{"axis", int64_t{1}}, {"start", axis + 4}, {"size", int64_t{2}}}));
    cases.push_back(one("slice", {{3, 19, 5, 7}},
                        {{"axis", axis}, {"start", int64_t{1}}, {"size", int64_t{2}}}));
  }
  cases.push_back(one("transpose", {{2, 3, 5, 7}}, {{"perm", List{0, 3, 1, 2}}}));
  cases.push_back(one("transpose", {{4, 9, 5}}, {{"perm", List{2, 0, 1}}}));
  cases.push_back(one("reshape", {{2, 3, 4}}, {{"dims", List{6, 4}}, {"symbols", List{-1, -1}}}));
}

}  // namespace

std::vector<OneDnnCase> onednn_cases(Rng& rng) {
  std::vector<OneDnnCase> cases;
  add_convolutions(rng, cases);
  add_products(rng, cases);
  add_elements(rng, cases);
  add_images(rng, cases);
  return cases;
}

}  // namespace verge::backends
