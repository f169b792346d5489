#include <algorithm>

#include <verge/core/result.hpp>
#include <verge/engine/kernels/activation_layout.hpp>
#include <verge/engine/kernels/matmul.hpp>

namespace verge::kernels {
namespace {

// What one claim takes: enough bytes to pay for the claim and to keep the prefetchers running, so
// few that the threads finish together.
constexpr int64_t kClaimBytes = 48 << 10;
constexpr int64_t kClaimsPerThread = 6;

int64_t tokens_of(const Product& product, const Activations& x) {
  return product.tokens > 0 ? product.tokens : x.tokens;
}

// How a product is cut into units that are claimed one by one.
struct Cut {
  int64_t groups;  // of 16 rows, in the whole matrix
  int64_t groups_per_unit;
  int64_t row_units;
  int64_t units;
};

Cut cut(const Product& product, int64_t tokens, int threads) {
  Cut result;
  const PackedMatrix& weights = product.weights;
  result.groups = (weights.rows + kGroupRows - 1) / kGroupRows;
  if (tokens > kTileTokens / 2) {
    result.groups_per_unit = kTileGroups;
  } else {
    const int64_t bytes = packed_bytes(weights.dtype, kGroupRows, weights.cols) * tokens;
    result.groups_per_unit =
        std::min((kClaimBytes + bytes - 1) / bytes,
                 std::max<int64_t>(1, result.groups / (threads * kClaimsPerThread)));
  }
  result.row_units = (result.groups + result.groups_per_unit - 1) / result.groups_per_unit;
  result.units = result.row_units * ((tokens + kTileTokens - 1) / kTileTokens);
  return result;
}

struct TileBuffers {
  alignas(64) float product[kTileTokens * kTileGroups * kGroupRows];
  alignas(64) float gate[kTileTokens * kTileGroups * kGroupRows];
};

// Bias, gate, residual, and from the tile to y; the last group may have fewer than 16 rows.
void finish(const Product& product, TileBuffers& buffers, const ProductTile& tile, int64_t token,
            int64_t row, const ProductFunctions& functions) {
  const int width = tile.groups * kGroupRows;
  const int rows = static_cast<int>(std::min<int64_t>(width, product.weights.rows - row));
  if (product.bias != nullptr) {
    for (int t = 0; t < tile.tokens; ++t) {
      for (int r = 0; r < rows; ++r) buffers.product[t * width + r] += product.bias[row + r];
    }
  }
  if (product.gate != nullptr) {
    functions.silu_multiply(buffers.gate, buffers.product, int64_t{tile.tokens} * width);
  }
  for (int t = 0; t < tile.tokens; ++t) {
    const float* from = buffers.product + t * width;
    const int64_t y_row = product.rows != nullptr ? product.rows[token + t] : token + t;
    float* to = product.y + y_row * product.y_stride + row;
    if (product.accumulate) {
      for (int r = 0; r < rows; ++r) to[r] += from[r];
    } else {
      std::copy_n(from, rows, to);
    }
  }
}

void run_tile(const Product& product, const Activations& x, int64_t token, int64_t group,
              int groups, const ProductFunctions& functions) {
  TileBuffers buffers;
  const PackedMatrix& weights = product.weights;
  ProductTile tile;
  tile.dtype = weights.dtype;
  tile.weight_stride = packed_bytes(weights.dtype, kGroupRows, weights.cols);
  tile.groups = groups;
  tile.cols = weights.cols;
  tile.activation_stride = activation_stride(x.kind, x.cols);
  tile.activations =
      static_cast<const uint8_t*>(x.data) + (product.first_token + token) * tile.activation_stride;
  tile.tokens = static_cast<int>(std::min<int64_t>(kTileTokens, tokens_of(product, x) - token));
  const auto compute = [&](const PackedMatrix& matrix, float* out) {
    tile.weights = static_cast<const uint8_t*>(matrix.data) + group * tile.weight_stride;
    tile.out = out;
    functions.product_tile(tile);
  };
  compute(weights, buffers.product);
  if (product.gate != nullptr) compute(*product.gate, buffers.gate);
  finish(product, buffers, tile, token, group * kGroupRows, functions);
}

void run_unit(const Product& product, const Activations& x, const Cut& cut, int64_t unit,
              const ProductFunctions& functions) {
  const int64_t token = unit / cut.row_units * kTileTokens;
  const int64_t first = unit % cut.row_units * cut.groups_per_unit;
  const int64_t last = std::min(first + cut.groups_per_unit, cut.groups);
  const int step = tokens_of(product, x) > kTileTokens / 2 ? kTileGroups : 1;
  for (int64_t group = first; group < last; group += step) {
    run_tile(product, x, token, group, static_cast<int>(std::min<int64_t>(step, last - group)),
             functions);
  }
}

void check(const Product& product, const Activations& x) {
  const PackedMatrix& weights = product.weights;
  VERGE_CHECK(can_pack(weights.dtype, weights.cols), name(weights.dtype), weights.cols);
  VERGE_CHECK(weights.cols == x.cols, weights.cols, x.cols);
  VERGE_CHECK(product.first_token + product.tokens <= x.tokens, product.first_token, x.tokens);
  VERGE_CHECK(activation_kind(weights.dtype) == x.kind, name(weights.dtype));
  if (product.gate == nullptr) return;
  VERGE_CHECK(product.gate->dtype == weights.dtype && product.gate->rows == weights.rows &&
                  product.gate->cols == weights.cols,
              product.gate->rows, weights.rows);
}

}  // namespace

void matmul(std::span<const Product> products, const Activations& x, Worker& worker, Isa isa) {
  const ProductFunctions& functions = product_functions(isa);
  int64_t claimed = worker.claim();
  int64_t first = 0;
  for (const Product& product : products) {
    check(product, x);
    const Cut pieces = cut(product, tokens_of(product, x), worker.count());
    for (; claimed < first + pieces.units; claimed = worker.claim()) {
      run_unit(product, x, pieces, claimed - first, functions);
    }
    first += pieces.units;
  }
}

}  // namespace verge::kernels
