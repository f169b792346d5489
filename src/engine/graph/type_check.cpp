#include <verge/engine/graph/type_check.hpp>

namespace verge::graph {
namespace {

// So many elements and bytes that sums of a million of them cannot overflow.
constexpr int64_t kMostElements = int64_t{1} << 40;

}  // namespace

Status check_symbols(const Graph& graph) {
  for (const Symbol& symbol : graph.symbols) {
    if (symbol.bound < 0 || symbol.bound > kMostElements) {
      return make_error(Code::Malformed, "symbol {} has the bound {}", symbol.name, symbol.bound);
    }
  }
  return {};
}

Status check_type(const Graph& graph, const Type& type) {
  const auto refuse = [](std::string_view why) { return make_error(Code::Malformed, "{}", why); };
  if (type.dims.size() > Shape::kMaxRank) return refuse("too many extents");
  int64_t count = 1;
  for (const Dim& dim : type.dims) {
    if (dim.symbol >= static_cast<int64_t>(graph.symbols.size())) return refuse("no such symbol");
    const int64_t bound =
        dim.is_constant() ? 1 : graph.symbols[static_cast<size_t>(dim.symbol)].bound;
    if (dim.factor < 0) return refuse("an extent cannot be negative");
    if (dim.factor > kMostElements || __builtin_mul_overflow(count, dim.factor, &count) ||
        __builtin_mul_overflow(count, bound, &count) || count > kMostElements) {
      return refuse("too many elements");
    }
  }
  const int block = info(type.dtype).block_size;
  if (block == 1) return {};
  const bool has_rows =
      !type.dims.empty() && type.dims.back().is_constant() && type.dims.back().factor % block == 0;
  if (!has_rows) return refuse("rows that are no whole blocks");
  return {};
}

}  // namespace verge::graph
