#include <algorithm>
#include <utility>

#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/tile.hpp>

namespace verge::kernels {
namespace {

// Blocks of Goto's algorithm: a packed block of A is kPartRows x kBlockK (< 300 KB, half of an L2
// cache), what all workers pack together is kOuterRows x kBlockK and kBlockK x kOuterColumns.
constexpr int64_t kBlockK = 512;
constexpr int64_t kOuterRows = 1536;
constexpr int64_t kOuterColumns = 2048;
constexpr int64_t kPartRows = 96;
constexpr int64_t kPartColumns = 256;
constexpr int64_t kLeastParts = 16;  // so that no worker waits long for another's last part

int64_t round_up(int64_t value, int64_t grain) {
  return (value + grain - 1) / grain * grain;
}

/// Parts of about equal length, at most `limit`, in multiples of `grain`.
int64_t even_part(int64_t total, int64_t limit, int64_t grain) {
  const int64_t parts = std::max<int64_t>((total + limit - 1) / limit, 1);
  return round_up((total + parts - 1) / parts, grain);
}

struct Blocks {
  int64_t k, rows, columns;
  int64_t a_bytes, b_bytes;
};

Blocks blocks_of(const TileKernels& tile, const Gemm& product) {
  Blocks blocks{};
  blocks.k = even_part(product.k, kBlockK * 4 / tile.element_bytes, tile.k_grain);
  blocks.rows = even_part(product.m, kOuterRows, tile.rows);
  blocks.columns = even_part(product.n, kOuterColumns, tile.columns);
  blocks.a_bytes = round_up(tile.packed_bytes(blocks.rows, blocks.k, tile.rows), 64);
  blocks.b_bytes = round_up(tile.packed_bytes(blocks.columns, blocks.k, tile.columns), 64);
  return blocks;
}

/// One worker's view of a team: a lone thread is a team of one.
class Team {
 public:
  explicit Team(Worker* worker) : worker_(worker) {}
  void sync() {
    if (worker_ != nullptr) worker_->sync();
    next_ = 0;
  }
  int64_t claim() { return worker_ != nullptr ? worker_->claim() : next_++; }

 private:
  Worker* worker_;
  int64_t next_ = 0;
};

/// Packs lines [first, first + lines) of an operand, ks [k_first, k_first + k); a panel a claim.
struct PackJob {
  const Operand* operand;
  bool lines_are_rows;  // A: lines are rows of the product; B: its columns
  int64_t first, lines, k_first, k;
  int width;
  std::byte* out;
};

void pack_panel(const TileKernels& tile, const PackJob& job, int64_t panel) {
  const Operand& operand = *job.operand;
  const bool line_is_stored_row = job.lines_are_rows != operand.transposed;
  const int64_t line_stride = line_is_stored_row ? operand.stride : 1;
  const int64_t k_stride = line_is_stored_row ? 1 : operand.stride;
  const int64_t line = panel * job.width;
  tile.pack(operand.data + (job.first + line) * line_stride + job.k_first * k_stride, line_stride,
            k_stride, std::min<int64_t>(job.width, job.lines - line), job.k, job.width,
            job.out + panel * tile.packed_bytes(job.width, job.k, job.width));
}

void pack_together(const TileKernels& tile, const PackJob& a, const PackJob& b, Team& team) {
  if (a.k == 0) return;  // then operands may be null
  const int64_t a_panels = a.operand == nullptr ? 0 : (a.lines + a.width - 1) / a.width;
  const int64_t b_panels = b.operand == nullptr ? 0 : (b.lines + b.width - 1) / b.width;
  for (int64_t i = team.claim(); i < a_panels + b_panels; i = team.claim()) {
    if (i < a_panels) {
      pack_panel(tile, a, i);
    } else {
      pack_panel(tile, b, i - a_panels);
    }
  }
}

/// The epilogue of rows x columns of C at (row, column).
void finish(const RowKernels& kernels, const Gemm& product, int64_t row, int64_t rows,
            int64_t column, int64_t columns) {
  if (product.bias == nullptr && product.row_bias == nullptr && product.residual == nullptr &&
      product.activation == Activation::None) {
    return;
  }
  const float* bias = product.bias == nullptr ? nullptr : product.bias + column;
  for (int64_t i = row; i < row + rows; ++i) {
    const int64_t at = i * product.c_stride + column;
    kernels.epilogue(columns, product.c + at, bias,
                     product.row_bias == nullptr ? 0.0f : product.row_bias[i], product.activation,
                     product.residual == nullptr ? nullptr : product.residual + at);
  }
}

struct Parts {  // what multiply_together hands out
  int64_t rows, columns, down, across;
};

Parts parts_of(const TileKernels& tile, int64_t rows, int64_t columns) {
  Parts parts{};
  for (const auto& [most_rows, most_columns] : {std::pair{kPartRows, kPartColumns},
                                                {kPartRows, kPartColumns / 2},
                                                {kPartRows / 2, kPartColumns / 2},
                                                {kPartRows / 4, kPartColumns / 4}}) {
    parts.rows = even_part(rows, most_rows, tile.rows);
    parts.columns = even_part(columns, most_columns, tile.columns);
    parts.down = (rows + parts.rows - 1) / parts.rows;
    parts.across = (columns + parts.columns - 1) / parts.columns;
    if (parts.down * parts.across >= kLeastParts) break;
  }
  return parts;
}

struct Step {  // one block of the three outer loops
  int64_t row, rows, column, columns, k, depth;
};

void multiply_together(Isa isa, const TileKernels& tile, const Gemm& product, const Step& step,
                       const std::byte* a, const std::byte* b, Team& team) {
  const Parts parts = parts_of(tile, step.rows, step.columns);
  const bool last = step.k + step.depth >= product.k;
  const float beta = step.k == 0 ? product.beta : 1.0f;
  for (int64_t part = team.claim(); part < parts.down * parts.across; part = team.claim()) {
    const int64_t i = part / parts.across * parts.rows;
    const int64_t j = part % parts.across * parts.columns;
    const int64_t rows = std::min(parts.rows, step.rows - i);
    const int64_t columns = std::min(parts.columns, step.columns - j);
    multiply_packed(tile, rows, columns, step.depth,
                    a + tile.packed_bytes(i, step.depth, tile.rows),
                    b + tile.packed_bytes(j, step.depth, tile.columns),
                    product.c + (step.row + i) * product.c_stride + step.column + j,
                    product.c_stride, product.alpha, beta);
    if (last) finish(row_kernels(isa), product, step.row + i, rows, step.column + j, columns);
  }
}

void run_gemm(Isa isa, const Gemm& product, void* workspace, Team team) {
  const TileKernels& tile = tile_of(isa, product.compute);
  const Blocks blocks = blocks_of(tile, product);
  auto* packed_a = static_cast<std::byte*>(workspace);
  auto* packed_b = packed_a + blocks.a_bytes;
  bool first = true;
  for (int64_t column = 0; column < product.n; column += blocks.columns) {
    const int64_t columns = std::min(blocks.columns, product.n - column);
    for (int64_t k = 0; k == 0 || k < product.k; k += std::max<int64_t>(blocks.k, 1)) {
      const int64_t depth = std::min(blocks.k, product.k - k);
      for (int64_t row = 0; row < product.m; row += blocks.rows) {
        const int64_t rows = std::min(blocks.rows, product.m - row);
        if (!first) team.sync();
        first = false;
        pack_together(tile, {&product.a, true, row, rows, k, depth, tile.rows, packed_a},
                      {row == 0 ? &product.b : nullptr, false, column, columns, k, depth,
                       tile.columns, packed_b},
                      team);
        team.sync();
        multiply_together(isa, tile, product, {row, rows, column, columns, k, depth}, packed_a,
                          packed_b, team);
      }
    }
  }
}

}  // namespace

// A smaller product may be cut into fewer and so longer blocks: room for the longest of them.
size_t gemm_workspace_bytes(Isa isa, const Gemm& product) {
  const TileKernels& tile = tile_of(isa, product.compute);
  Gemm largest = product;
  largest.m = std::min(product.m, kOuterRows);
  largest.n = std::min(product.n, kOuterColumns);
  largest.k = std::min(product.k, kBlockK * 4 / tile.element_bytes);
  const Blocks blocks = blocks_of(tile, largest);
  return static_cast<size_t>(blocks.a_bytes + blocks.b_bytes);
}

void gemm(Isa isa, const Gemm& product, void* workspace, Worker& worker) {
  run_gemm(isa, product, workspace, Team(&worker));
}

void gemm(Isa isa, const Gemm& product, void* workspace) {
  run_gemm(isa, product, workspace, Team(nullptr));
}

}  // namespace verge::kernels
