// Products of integers whose sums are the result.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/onnx/levels.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

// Whole numbers below it are exact in f32, however they are added. So many products of a level
// with another, less their zero points, stay below.
constexpr double kExact = 0x1p24;
constexpr int64_t kExactTerms = 258;

/// The zero points of `levels`, of its type; 0 without.
Result<std::vector<double>> known_zeros(NodeContext& node, size_t zero) {
  if (!node.has_input(zero)) return std::vector<double>{0};
  if (!is_byte(node.in(zero).type)) return node.malformed("a zero point that is no byte");
  return node.is_known(node.in(zero)) ? node.values(node.in(zero)) : std::vector<double>{};
}

/// Whether sums of `terms` products by the weight stay exact; `output_of` its element, the output.
template <typename F>
Result<bool> sums_are_exact(NodeContext& node, size_t weight, size_t zero, int64_t terms,
                            F output_of) {
  VERGE_TRY(const std::vector<double> zeros, known_zeros(node, zero));
  if (terms <= kExactTerms) return true;
  if (zeros.empty() || !node.is_known(node.in(weight))) return false;
  const std::vector<double> levels = node.values(node.in(weight));
  std::vector<double> sums;
  for (size_t i = 0; i < levels.size(); ++i) {
    const size_t output = output_of(i);
    if (output >= sums.size()) sums.resize(output + 1);
    sums[output] += 255 * std::abs(levels[i] - zeros[output % zeros.size()]);
  }
  return std::ranges::all_of(sums, [](double sum) { return sum < kExact; });
}

/// Levels less their zero point: dequantized by 1 where both are known and `as_levels`.
Result<Value> integers_of(NodeContext& node, size_t x, size_t zero, bool as_levels) {
  const Value levels = node.in(x);
  VERGE_TRY(const std::vector<double> zeros, known_zeros(node, zero));
  const bool are_levels = graph::is_level(node.dtype(levels)) && is_byte(levels.type);
  if (as_levels && zeros.size() == 1 && is_zero_point(zeros[0]) &&
      (are_levels || is_weight(node, levels))) {
    return dequantized(node, levels, {{1}, zeros}, 0);
  }
  Value real = node.convert(levels, ElementType::Float);
  if (!node.has_input(zero) || node.failed()) return real;
  const Value points = node.convert(node.in(zero), ElementType::Float);
  if (node.failed()) return Value{};
  return node.emit("sub",
                   {real, node.shape(points).count() == 1 ? node.reshape(points, {}) : points});
}

/// The sum, as integers, of make(first, count) over parts of `all` of at most `most`.
template <typename F>
Result<Value> sum_of_parts(NodeContext& node, int64_t all, int64_t most, F make) {
  Value sum;
  for (int64_t first = 0; first < all && !node.failed(); first += most) {
    VERGE_TRY(const Value part, make(first, std::min(most, all - first)));
    if (node.failed()) return Value{};
    const Value whole = node.convert(part, ElementType::Int32);
    sum = sum ? node.emit("add", {sum, whole}) : whole;
  }
  return sum;
}

Status conv_integer(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.has_input(3) && node.shape(node.in(3)).count() != 1) {
    return node.unsupported("zero points by channel");
  }
  const Shape weight = node.shape(node.in(1));
  if (weight.rank() < 3 || weight.count() == 0) return node.malformed("a weight of no taps");
  const int64_t terms = weight.count() / weight[0], taps = terms / weight[1];
  VERGE_TRY(const bool is_exact, sums_are_exact(node, 1, 3, terms, [&](size_t i) {
              return i / static_cast<size_t>(terms);
            }));
  VERGE_TRY(Value x, integers_of(node, 0, 2, is_exact));
  VERGE_TRY(Value w, integers_of(node, 1, 3, is_exact));
  if (node.failed()) return {};
  const bool has_parts = !is_exact && taps <= kExactTerms && node.integer("group", 1) == 1 &&
                         node.rank(x) == weight.rank() && node.shape(x)[1] == weight[1];
  if (!is_exact && !has_parts) {
    x = node.convert(x, ElementType::Double);
    w = node.convert(w, ElementType::Double);
  }
  const auto part = [&](int64_t first, int64_t count) -> Result<Value> {
    if (!has_parts) return level_convolution(node, x, w, {});
    return level_convolution(node, node.slice(x, 1, first, count), node.slice(w, 1, first, count),
                             {});
  };
  VERGE_TRY(const Value y, has_parts ? sum_of_parts(node, weight[1], kExactTerms / taps, part)
                                     : sum_of_parts(node, 1, 1, part));
  if (!node.failed()) node.set_output(0, y);
  return {};
}

Status mat_mul_integer(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.has_input(2) && node.shape(node.in(2)).count() != 1) {
    return node.unsupported("zero points by row");
  }
  const Shape weight = node.shape(node.in(1));
  if (weight.rank() < 1 || weight.count() == 0 || node.rank(node.in(0)) < 1) {
    return node.malformed("a product of no matrices");
  }
  const int axis = std::max(weight.rank() - 2, 0);
  const int64_t terms = weight[axis], columns = weight.rank() < 2 ? 1 : weight[axis + 1];
  VERGE_TRY(const bool is_exact, sums_are_exact(node, 1, 3, terms, [&](size_t i) {
              return i / static_cast<size_t>(terms * columns) * static_cast<size_t>(columns) +
                     i % static_cast<size_t>(columns);
            }));
  VERGE_TRY(const Value a, integers_of(node, 0, 2, is_exact));
  VERGE_TRY(const Value b, integers_of(node, 1, 3, is_exact));
  if (node.failed()) return {};
  const int last = node.rank(a) - 1;
  const auto part = [&](int64_t first, int64_t count) -> Result<Value> {
    if (count == terms || node.shape(a)[last] != terms) return level_product(node, a, b);
    return level_product(node, node.slice(a, last, first, count),
                         node.slice(b, axis, first, count));
  };
  VERGE_TRY(const Value y, sum_of_parts(node, terms, is_exact ? terms : kExactTerms, part));
  if (!node.failed()) node.set_output(0, y);
  return {};
}

constexpr OnnxOp kOps[] = {{"ConvInteger", conv_integer}, {"MatMulInteger", mat_mul_integer}};

}  // namespace

OpGroup integer_products() {
  return {kOps};
}

}  // namespace verge::onnx::ops
