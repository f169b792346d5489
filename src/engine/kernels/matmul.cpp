#include <algorithm>
#include <cstring>

#include <verge/core/result.hpp>
#include <verge/engine/kernels/activation_layout.hpp>
#include <verge/engine/kernels/matmul.hpp>

namespace verge::kernels {
namespace {

// What one claim takes: enough bytes to pay for the claim and to keep the prefetchers running, so
// few that the threads finish together.
constexpr int64_t kClaimBytes = 48 << 10;
constexpr int64_t kClaimsPerThread = 6;
// From here on the multiplier is the limit: tiles of tokens, too.
constexpr int64_t kManyTokens = 96;
// From here on, tiles of two row groups: each activation that is read serves both.
constexpr int64_t kTwoGroups = 6;
// And claims of several such tiles, for each asks the memory for the next one's weights.
constexpr int64_t kTilesPerUnit = 4;
// Tokens come in whole registers of every format's inner loop (6, 4, 8 at a time).
constexpr int64_t kTokenGrain = 24;

int64_t tokens_of(const Product& product, const Activations& x) {
  return product.tokens > 0 ? product.tokens : x.tokens;
}

// How a product is cut into units that are claimed one by one.
struct Cut {
  int64_t groups;  // of 16 rows, in the whole matrix
  int64_t groups_per_unit;
  int64_t tile_tokens;
  int64_t row_units;
  int64_t units;
};

// Even tiles, as large as leave enough claims.
int64_t tokens_per_tile(int64_t tokens, int64_t row_units, int threads) {
  const int64_t wanted = (threads * kClaimsPerThread + row_units - 1) / row_units;
  const int64_t needed = (tokens + kTileTokens - 1) / kTileTokens;
  const int64_t tiles = std::max(needed, std::min(wanted, tokens / kManyTokens));
  const int64_t even = ((tokens + tiles - 1) / tiles + kTokenGrain - 1) / kTokenGrain * kTokenGrain;
  return std::min<int64_t>(even, kTileTokens);
}

Cut cut(const Product& product, int64_t tokens, int threads) {
  Cut result;
  const PackedMatrix& weights = product.weights;
  result.groups = (weights.rows + kGroupRows - 1) / kGroupRows;
  if (tokens > kManyTokens) {
    result.groups_per_unit = kTileGroups;
  } else if (tokens >= kTwoGroups) {
    const int64_t tiles = result.groups / (threads * 2 * kClaimsPerThread * kTileGroups);
    result.groups_per_unit = kTileGroups * std::clamp<int64_t>(tiles, 1, kTilesPerUnit);
  } else {
    const int64_t bytes = packed_bytes(weights.dtype, kGroupRows, weights.cols) * tokens;
    result.groups_per_unit =
        std::min((kClaimBytes + bytes - 1) / bytes,
                 std::max<int64_t>(1, result.groups / (threads * kClaimsPerThread)));
  }
  result.row_units = (result.groups + result.groups_per_unit - 1) / result.groups_per_unit;
  result.tile_tokens =
      tokens > kManyTokens ? tokens_per_tile(tokens, result.row_units, threads) : kManyTokens;
  result.units = result.row_units * ((tokens + result.tile_tokens - 1) / result.tile_tokens);
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
    functions.gate_multiply(product.gate_activation, buffers.gate, buffers.product,
                            int64_t{tile.tokens} * width);
  }
  for (int t = 0; t < tile.tokens; ++t) {
    const float* from = buffers.product + t * width;
    const int64_t y_row = product.rows != nullptr ? product.rows[token + t] : token + t;
    const int64_t at = y_row * product.y_stride + row;
    float* to = product.y + at;
    if (product.residual != nullptr) {
      for (int r = 0; r < rows; ++r) to[r] = product.residual[at + r] + from[r];
    } else if (rows == kTileGroups * kGroupRows) {
      std::memcpy(to, from, kTileGroups * kGroupRows * sizeof(float));
    } else {
      std::copy_n(from, rows, to);
    }
  }
}

// Where finish() will write: rows of y lie far apart, and the memory has the time of a tile.
void fetch_outputs(const Product& product, int64_t token, int64_t tokens, int64_t row) {
  for (int64_t t = token; t < token + tokens; ++t) {
    const int64_t y_row = product.rows != nullptr ? product.rows[t] : t;
    const float* to = product.y + y_row * product.y_stride + row;
    __builtin_prefetch(to, 1);
    __builtin_prefetch(to + kGroupRows, 1);
  }
}

void run_tile(const Product& product, const Activations& x, int64_t token, int64_t tokens,
              int64_t group, int groups, const ProductFunctions& functions) {
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
  tile.tokens = static_cast<int>(tokens);
  const auto compute = [&](const PackedMatrix& matrix, float* out) {
    tile.weights = static_cast<const uint8_t*>(matrix.data) + group * tile.weight_stride;
    tile.out = out;
    functions.product_tile(tile);
  };
  if (groups == kTileGroups) fetch_outputs(product, token, tokens, group * kGroupRows);
  compute(weights, buffers.product);
  if (product.gate != nullptr) compute(*product.gate, buffers.gate);
  finish(product, buffers, tile, token, group * kGroupRows, functions);
}

void run_unit(const Product& product, const Activations& x, const Cut& cut, int64_t unit,
              const ProductFunctions& functions) {
  const int64_t all = tokens_of(product, x);
  const int64_t token = unit / cut.row_units * cut.tile_tokens;
  const int64_t tokens = std::min(cut.tile_tokens, all - token);
  const int64_t first = unit % cut.row_units * cut.groups_per_unit;
  const int64_t last = std::min(first + cut.groups_per_unit, cut.groups);
  const int step = all >= kTwoGroups ? kTileGroups : 1;
  for (int64_t group = first; group < last; group += step) {
    run_tile(product, x, token, tokens, group,
             static_cast<int>(std::min<int64_t>(step, last - group)), functions);
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
  // The first unit goes by the worker's number: prefetch_weights() knows it beforehand.
  const auto claim = [&] { return worker.claim() + worker.count(); };
  int64_t claimed = worker.index();
  int64_t first = 0;
  for (const Product& product : products) {
    check(product, x);
    const Cut pieces = cut(product, tokens_of(product, x), worker.count());
    for (; claimed < first + pieces.units; claimed = claim()) {
      run_unit(product, x, pieces, claimed - first, functions);
    }
    first += pieces.units;
  }
}

void prefetch_weights(const PackedMatrix& weights, const Worker& worker) {
  const Cut pieces = cut({.weights = weights}, 1, worker.count());
  const int64_t unit =
      pieces.groups_per_unit * packed_bytes(weights.dtype, kGroupRows, weights.cols);
  const auto* bytes = static_cast<const std::byte*>(weights.data);
  const int64_t begin = worker.index() * unit;
  const int64_t end =
      std::min(begin + unit, packed_bytes(weights.dtype, weights.rows, weights.cols));
  for (int64_t at = begin; at < end; at += 64) __builtin_prefetch(bytes + at, 0, 2);
}

}  // namespace verge::kernels
