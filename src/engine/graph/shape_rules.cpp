#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

std::string show_dim(const Graph& graph, const Dim& dim) {
  if (dim.is_constant()) return fmt::format("{}", dim.factor);
  const std::string& symbol = graph.symbols[static_cast<size_t>(dim.symbol)].name;
  return dim.factor == 1 ? symbol : fmt::format("{}*{}", dim.factor, symbol);
}

std::string show_dims(const Graph& graph, const Dims& dims) {
  std::string text;
  for (const Dim& dim : dims) text += (text.empty() ? "" : ", ") + show_dim(graph, dim);
  return "[" + text + "]";
}

Status expect_rank(const InferContext& context, size_t input, std::string_view argument, int rank) {
  const int found = context.rank(input);
  if (found == rank) return {};
  return context.fail(fmt::format("{} has {} axes instead of {}", argument, found, rank));
}

Status expect_min_rank(const InferContext& context, size_t input, std::string_view argument,
                       int rank) {
  const int found = context.rank(input);
  if (found >= rank) return {};
  return context.fail(fmt::format("{} has {} axes, at least {} are needed", argument, found, rank));
}

Status expect_dim(const InferContext& context, size_t input, std::string_view argument, int axis,
                  const Dim& wanted) {
  const Dims& dims = context.dims(input);
  const Dim& found = dims[static_cast<size_t>(from_front(axis, dims.size()))];
  if (found == wanted) return {};
  return context.fail(fmt::format("{} has extent {} along axis {} instead of {}", argument,
                                  show_dim(context.graph, found), axis,
                                  show_dim(context.graph, wanted)));
}

Status expect_dims(const InferContext& context, size_t input, std::string_view argument,
                   const Dims& wanted) {
  const Dims& found = context.dims(input);
  if (found == wanted) return {};
  return context.fail(fmt::format("{} is {} instead of {}", argument,
                                  show_dims(context.graph, found),
                                  show_dims(context.graph, wanted)));
}

Status expect_dtype(const InferContext& context, size_t input, std::string_view argument,
                    DType wanted) {
  const DType found = context.type(input).dtype;
  if (found == wanted) return {};
  return context.fail(fmt::format("{} is {} instead of {}", argument, name(found), name(wanted)));
}

DType compute_dtype(DType stored) {
  return stored == DType::F64 ? DType::F64 : DType::F32;
}

DType moved_dtype(DType stored) {
  return stored == DType::I8 || stored == DType::U8 ? stored : compute_dtype(stored);
}

Dims leading_dims(const Dims& dims, int count) {
  return {dims.begin(), dims.end() - count};
}

int from_front(int64_t axis, size_t rank) {
  return static_cast<int>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

Attrs dims_attrs(const Dims& dims) {
  std::vector<int64_t> factors, symbols;
  for (const Dim& dim : dims) {
    factors.push_back(dim.factor);
    symbols.push_back(dim.symbol);
  }
  return {{"dims", factors}, {"symbols", symbols}};
}

Dims dims_of(const Attrs& attrs) {
  const std::vector<int64_t>& factors = attrs.list("dims");
  const std::vector<int64_t>& symbols = attrs.list("symbols");
  Dims dims;
  for (size_t i = 0; i < factors.size(); ++i) {
    const int64_t symbol = i < symbols.size() ? symbols[i] : -1;
    dims.emplace_back(factors[i], static_cast<SymbolId>(symbol));
  }
  return dims;
}

}  // namespace verge::graph
