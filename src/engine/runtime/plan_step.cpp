#include <algorithm>
#include <cstring>
#include <numeric>

#include <verge/engine/runtime/plan_step.hpp>
#include <verge/engine/runtime/store.hpp>

namespace verge::runtime {
namespace {

using graph::kNone;
using kernels::kGroupRows;
using kernels::RowProduct;

constexpr int64_t kLine = 64;

// Rows [first, first + count) of matrix `matrix` of each weight of a product.
struct Rows {
  int64_t matrix = 0;
  int64_t first = 0;
  int64_t count = 0;
};

class Cutter {
 public:
  Cutter(const PlanStep& step, const graph::Graph& graph, const WeightStore& weights,
         std::vector<PlanStep>& steps, StreamRing& ring)
      : step_(step), graph_(graph), weights_(weights), steps_(steps), ring_(ring) {}

  void cut(const RowProduct& product) {
    int64_t group_bytes = 0;
    const TensorView* weight = nullptr;
    for (const auto& [input, role] : product.inputs) {
      if (role != RowProduct::Role::Weight) continue;
      weight = &step_.inputs[input];
      if (is_streamed(input)) {
        group_bytes += kernels::packed_bytes(weight->dtype, kGroupRows, weight->shape.back());
      }
    }
    if (group_bytes == 0) return call(product, nullptr);
    const int rank = weight->shape.rank();
    const int64_t matrices = rank == 3 ? weight->shape[0] : 1, rows = weight->shape[rank - 2];
    const int64_t groups = (rows + kGroupRows - 1) / kGroupRows;
    const int64_t most =
        std::max<int64_t>(1, weights_.stream()->window().piece_bytes / group_bytes);
    const int64_t pieces = (groups + most - 1) / most;
    const int64_t step = (groups + pieces - 1) / pieces * kGroupRows;
    for (int64_t matrix = 0; matrix < matrices; ++matrix) {
      for (int64_t first = 0; first < rows; first += step) {
        const Rows at{matrix, first, std::min(step, rows - first)};
        call(product, &at);
      }
    }
  }

 private:
  bool is_streamed(size_t input) const {
    return step_.inputs[input].data == nullptr && step_.input_ids[input] != kNone;
  }

  // The call of some rows, or of all.
  void call(const RowProduct& product, const Rows* rows) {
    PlanStep part{.kernel = step_.kernel,
                  .node = step_.node,
                  .attrs = step_.attrs,
                  .workspace = step_.workspace};
    StreamPiece piece;
    packed_ = weights_.stream()->packed();
    for (const auto& [input, role] : product.inputs) {
      const bool is_absent = input >= step_.inputs.size();
      if (role == RowProduct::Role::Selector) part.selector = step_.input_ids[input];
      if (role == RowProduct::Role::Weight) part.packed |= 1u << part.inputs.size();
      part.input_ids.push_back(is_absent ? kNone : step_.input_ids[input]);
      part.inputs.push_back(is_absent ? TensorView{} : step_.inputs[input]);
      if (rows != nullptr && part.input_ids.back() != kNone) {
        narrow(part, piece, input, role, *rows);
      }
    }
    part.outputs.push_back(step_.outputs[product.output]);
    part.output_ids.push_back(step_.output_ids[product.output]);
    if (rows != nullptr) {
      part.outputs[0].data = part.outputs[0].as<float>() + rows->first;
      if (rows->matrix > 0) number_matrix(part, *rows);
    }
    piece.is_optional = part.selector != kNone;
    if (!piece.ranges.empty()) ring_.push_back(std::move(piece));
    steps_.push_back(std::move(part));
  }

  // The last of the part's inputs, which is `input` of the whole, at these rows.
  void narrow(PlanStep& part, StreamPiece& piece, size_t input, RowProduct::Role role,
              const Rows& rows) {
    TensorView& view = part.inputs.back();
    if (role == RowProduct::Role::Output) view.data = view.as<float>() + rows.first;
    if (role == RowProduct::Role::Bias) {
      view.data = view.as<std::byte>() + bytes_of(view.dtype, rows.first);
      view.shape = {rows.count};
    }
    if (role == RowProduct::Role::Weight) narrow_weight(part, piece, input, rows);
  }

  void narrow_weight(PlanStep& part, StreamPiece& piece, size_t input, const Rows& rows) {
    TensorView& view = part.inputs.back();
    const int rank = view.shape.rank();
    const int64_t cols = view.shape.back();
    const int64_t row = (rank == 3 ? rows.matrix * view.shape[1] : 0) + rows.first;
    const bool from_stream = is_streamed(input);
    if (from_stream) {
      const FileRange& place = *weights_.place(graph_.value(step_.input_ids[input]).name);
      const int64_t row_bytes = bytes_of(view.dtype, cols);
      piece.ranges.push_back({place.file, place.offset + static_cast<uint64_t>(row * row_bytes),
                              rows.count * row_bytes});
      view.data = packed_;
      part.streamed.push_back({view.dtype, rows.count, cols, packed_});
      packed_ += (kernels::packed_bytes(view.dtype, rows.count, cols) + kLine - 1) / kLine * kLine;
    } else {
      view.data = view.as<std::byte>() + kernels::packed_bytes(view.dtype, row, cols);
    }
    view.shape = rank == 3 ? Shape{1, rows.count, cols} : Shape{rows.count, cols};
  }

  void number_matrix(PlanStep& part, const Rows& rows) {
    auto attrs = std::make_unique<graph::Attrs>(*step_.attrs);
    attrs->set("first_matrix", rows.matrix);
    part.attrs = attrs.get();
    part.own_attrs = std::move(attrs);
  }

  const PlanStep& step_;
  const graph::Graph& graph_;
  const WeightStore& weights_;
  std::vector<PlanStep>& steps_;
  StreamRing& ring_;
  std::byte* packed_ = nullptr;
};

}  // namespace

void cut_step(PlanStep step, const graph::Graph& graph, const WeightStore& weights,
              std::vector<PlanStep>& steps, StreamRing& ring) {
  Cutter cutter(step, graph, weights, steps, ring);
  for (const RowProduct& product : step.kernel->row_products(step.call())) cutter.cut(product);
}

int64_t gathered_bytes(const TensorView& table, const TensorView& ids, int workers) {
  const int64_t row_bytes = bytes_of(table.dtype, table.shape.back());
  const int64_t rooms = RangeReader::room_for(row_bytes) + RangeReader::kPage;  // with its header
  const int64_t numbers = bytes_of(DType::I32, ids.shape.count());
  return ids.shape.count() * row_bytes + numbers + workers * rooms;
}

void gather_step(PlanStep& step, FileRange table, int workers) {
  auto gathered = std::make_unique<GatheredRows>();
  const TensorView whole = step.inputs[0];
  const int64_t most = step.inputs[1].shape.count();
  gathered->table = std::move(table);
  gathered->row_bytes = bytes_of(whole.dtype, whole.shape.back());
  gathered->ids = step.inputs[1];
  gathered->memory = allocate_aligned(static_cast<size_t>(most * gathered->row_bytes));
  gathered->rows = {gathered->memory.get(), whole.dtype, {most, whole.shape.back()}};
  gathered->numbers = Tensor(DType::I32, step.inputs[1].shape);
  const auto numbers = gathered->numbers.span<int32_t>();
  std::iota(numbers.begin(), numbers.end(), 0);
  for (int i = 0; i < workers; ++i) {
    gathered->rooms.emplace_back(RangeReader::room_for(gathered->row_bytes));
  }
  step.inputs[0] = gathered->rows;
  step.inputs[1] = gathered->numbers.view();
  step.packed = 0;
  step.gathered = std::move(gathered);
}

void pack_parts(std::span<const StreamedPart> parts, std::span<const std::byte* const> ranges,
                Worker& worker) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const StreamedPart& part = parts[i];
    kernels::pack(part.dtype, ranges[i], part.rows, part.cols, part.packed, worker);
    worker.sync();
  }
}

Status read_rows(GatheredRows& gathered, const Worker& worker) {
  const int32_t* ids = gathered.ids.as<int32_t>();
  const std::span<std::byte> room = gathered.rooms[static_cast<size_t>(worker.index())].span();
  const auto [first, last] = worker.split(gathered.ids.shape.count());
  for (int64_t i = first; i < last; ++i) {
    const uint64_t offset =
        gathered.table.offset + static_cast<uint64_t>(ids[i] * gathered.row_bytes);
    VERGE_TRY(const std::byte* row, gathered.table.file->read(offset, gathered.row_bytes, room));
    std::memcpy(gathered.memory.get() + i * gathered.row_bytes, row,
                static_cast<size_t>(gathered.row_bytes));
  }
  return {};
}

}  // namespace verge::runtime
