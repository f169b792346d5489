// Low-rank adapters, a row with its own. Rows are sorted by adapter, so that each adapter in use is
// read once for every tile of rows and the others not at all (Chen et al. 2023, "Punica"); rows
// without one are not visited.

#include <algorithm>
#include <cstring>

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/scratch.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

// Columns of y in one claim, in whole vectors: where tiles share an adapter, so few that its part
// stays in the first cache for all of them, else enough for the prefetchers to follow.
constexpr int64_t kSharedColumns = 256, kMostColumns = 1024, kColumnGrain = 64;
constexpr int64_t kClaimsPerThread = 4;

// Rows order[first] ... order[first + count) have the same adapter.
struct Tile {
  int32_t first, count, adapter;
};

bool is_plain(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

bool supports(const KernelCall& call) {
  return call.in(0).dtype == DType::F32 && is_plain(call.in(2).dtype) &&
         is_plain(call.in(3).dtype) && call.in(5).dtype == DType::F32;
}

// Indices are an input of the run; ranks change between runs.
bool is_idle(const KernelCall& call) {
  if (!call.has(1) || call.in(1).data != call.out().data) return false;
  const auto ids = call.in(4).span<const int32_t>();
  const int32_t* ranks = call.in(6).as<int32_t>();
  return std::ranges::none_of(ids, [&](int32_t id) { return id >= 0 && ranks[id] > 0; });
}

// What lies in the workspace. Each worker sorts for itself, which is over sooner than the wait for
// another.
struct Layout {
  int64_t adapters, rank, tokens;
  int32_t *starts, *order;
  Tile* tiles;
  float* hidden;  // [tokens, rank], of all workers
  int64_t bytes;

  Layout(const KernelCall& call, int worker, int workers)
      : adapters(call.in(2).shape[0]), rank(call.in(2).shape[1]), tokens(call.in(0).shape[0]) {
    kernels::Scratch scratch(call.workspace);
    hidden = scratch.take<float>(tokens * rank);
    for (int i = 0; i < workers; ++i) {
      auto* own_starts = scratch.take<int32_t>(adapters + 1);
      auto* own_order = scratch.take<int32_t>(tokens);
      auto* own_tiles = scratch.take<Tile>(tokens);
      if (i == worker) starts = own_starts, order = own_order, tiles = own_tiles;
    }
    bytes = scratch.used();
  }
};

int64_t workspace_bytes(const KernelCall& call, int threads, Isa) {
  return Layout(call, 0, threads).bytes;
}

// Tiles of rows with the same adapter, adapters without rows and rows without adapters left out;
// how many.
int64_t sort_rows(const KernelCall& call, const Layout& layout) {
  const int32_t* ids = call.in(4).as<int32_t>();
  const int32_t* ranks = call.in(6).as<int32_t>();
  const auto has_adapter = [&](int64_t row) { return ids[row] >= 0 && ranks[ids[row]] > 0; };
  std::fill_n(layout.starts, layout.adapters + 1, 0);
  for (int64_t row = 0; row < layout.tokens; ++row) {
    if (has_adapter(row)) ++layout.starts[ids[row] + 1];
  }
  int64_t tiles = 0;
  for (int64_t adapter = 0; adapter < layout.adapters; ++adapter) {
    const int32_t first = layout.starts[adapter], count = layout.starts[adapter + 1];
    for (int32_t done = 0; done < count; done += kAdapterTile) {
      layout.tiles[tiles++] = {first + done, std::min<int32_t>(kAdapterTile, count - done),
                               static_cast<int32_t>(adapter)};
    }
    layout.starts[adapter + 1] = first + count;
  }
  for (int64_t row = 0; row < layout.tokens; ++row) {
    if (has_adapter(row)) layout.order[layout.starts[ids[row]]++] = static_cast<int32_t>(row);
  }
  return tiles;
}

// y where it is not given in place: all rows, with and without adapter.
void start_output(const KernelCall& call, Worker& worker) {
  const TensorView& out = call.out();
  if (call.has(1) && call.in(1).data == out.data) return;
  const auto [first, last] = worker.split(out.shape.rows());
  float* to = out.as<float>() + first * out.shape.back();
  const int64_t count = (last - first) * out.shape.back();
  if (call.has(1)) {
    std::copy_n(call.in(1).as<float>() + first * out.shape.back(), count, to);
  } else {
    std::fill_n(to, count, 0.0f);
  }
}

// Rows of a matrix [adapters, rank, columns] of the tile's adapter, from `rank` on.
const std::byte* matrix_row(const TensorView& matrix, int32_t adapter, int64_t rank) {
  const int64_t row = adapter * matrix.shape[1] + rank;
  return matrix.as<std::byte>() + row * bytes_of(matrix.dtype, matrix.shape[2]);
}

// hidden = scale * x A^T, for four ranks of a tile.
void run_down(const KernelCall& call, const Layout& layout, const Tile& tile, int64_t rank,
              const RowKernels& kernels) {
  const TensorView &x = call.in(0), &a = call.in(2);
  const int64_t left = call.in(6).as<int32_t>()[tile.adapter] - rank;
  if (left <= 0) return;
  const float* rows[kAdapterTile];
  float* hidden[kAdapterTile];
  for (int32_t i = 0; i < tile.count; ++i) {
    rows[i] = x.as<float>() + layout.order[tile.first + i] * x.shape[1];
    hidden[i] = layout.hidden + (tile.first + i) * layout.rank + rank;
  }
  kernels.adapter_down(a.dtype, x.shape[1], tile.count, rows, std::min(left, kAdapterRanks),
                       matrix_row(a, tile.adapter, rank), bytes_of(a.dtype, a.shape[2]),
                       call.in(5).as<float>()[tile.adapter], hidden);
}

// y += hidden B, for `columns` columns of a tile or as many as there are.
void run_up(const KernelCall& call, const Layout& layout, const Tile& tile, int64_t column,
            int64_t columns, const RowKernels& kernels) {
  const TensorView &b = call.in(3), &y = call.out();
  const float* hidden[kAdapterTile];
  float* rows[kAdapterTile];
  for (int32_t i = 0; i < tile.count; ++i) {
    hidden[i] = layout.hidden + (tile.first + i) * layout.rank;
    rows[i] = y.as<float>() + layout.order[tile.first + i] * y.shape[1] + column;
  }
  kernels.adapter_up(b.dtype, std::min(columns, y.shape[1] - column), tile.count,
                     call.in(6).as<int32_t>()[tile.adapter], hidden,
                     matrix_row(b, tile.adapter, 0) + bytes_of(b.dtype, column),
                     bytes_of(b.dtype, b.shape[2]), rows);
}

// How the tiles' work is cut: `parts` of each tile, of which those that read the same of an adapter
// follow each other where tiles share one.
struct Claims {
  int64_t tiles, parts;
  bool is_shared;

  int64_t tile(int64_t claim) const { return is_shared ? claim % tiles : claim / parts; }
  int64_t part(int64_t claim) const { return is_shared ? claim / tiles : claim % parts; }
};

template <typename Body>
void each_claim(const Claims& claims, Worker& worker, Body body) {
  for (int64_t i = worker.claim(); i < claims.tiles * claims.parts; i = worker.claim()) {
    body(claims.tile(i), claims.part(i));
  }
}

int64_t columns_of(const KernelCall& call, int64_t tiles, bool is_shared, const Worker& worker) {
  if (is_shared) return kSharedColumns;
  const int64_t even = call.out().shape[1] * tiles / (worker.count() * kClaimsPerThread);
  return std::clamp(even / kColumnGrain * kColumnGrain, kSharedColumns, kMostColumns);
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  start_output(call, worker);
  const Layout layout(call, worker.index(), worker.count());
  const int64_t tiles = sort_rows(call, layout);
  if (tiles == 0) return;
  const RowKernels& kernels = row_kernels(isa);
  int64_t most = 0;
  bool is_shared = false;
  for (int64_t i = 0; i < tiles; ++i) {
    most = std::max<int64_t>(most, call.in(6).as<int32_t>()[layout.tiles[i].adapter]);
    is_shared |= i > 0 && layout.tiles[i].adapter == layout.tiles[i - 1].adapter;
  }
  const int64_t blocks = (most + kAdapterRanks - 1) / kAdapterRanks;
  each_claim({tiles, blocks, is_shared}, worker, [&](int64_t tile, int64_t block) {
    run_down(call, layout, layout.tiles[tile], block * kAdapterRanks, kernels);
  });
  worker.sync();
  const int64_t columns = columns_of(call, tiles, is_shared, worker);
  const int64_t parts = (call.out().shape[1] + columns - 1) / columns;
  each_claim({tiles, parts, is_shared}, worker, [&](int64_t tile, int64_t part) {
    run_up(call, layout, layout.tiles[tile], part * columns, columns, kernels);
  });
}

}  // namespace

KernelDef lora() {
  return {.op = "lora",
          .supports = supports,
          .run = run,
          .is_idle = is_idle,
          .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
