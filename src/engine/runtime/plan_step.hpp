#pragma once
// PlanStep: one call of a kernel as a Plan makes it at each run, with all pointers resolved; and
// what must be read from storage before it. Internal to Plan.

#include <memory>
#include <span>
#include <vector>

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/runtime/weight_stream.hpp>

namespace verge::runtime {

class BackendRegion;
class WeightStore;

/// One range of a stream's piece and where the call reads it, in the layout of the kernels.
struct StreamedPart {
  DType dtype;
  int64_t rows, cols;
  std::byte* packed;
};

/// Rows of a table that are read for the ids of the run, one after another.
struct GatheredRows {
  FileRange table;
  int64_t row_bytes = 0;
  TensorView ids;                 // of the run
  TensorView rows;                // its first extent is that of ids
  AlignedBuffer memory;           // of rows
  Tensor numbers;                 // 0, 1, 2, ...: the ids within `rows`
  std::vector<PageBuffer> rooms;  // a worker's each
};

struct PlanStep {
  const kernels::KernelDef* kernel = nullptr;  // nullptr: the reference
  const graph::Node* node = nullptr;
  const graph::Attrs* attrs = nullptr;
  std::vector<TensorView> inputs = {};
  std::vector<TensorView> outputs = {};
  std::vector<graph::ValueId> input_ids = {};  // of the views
  std::vector<graph::ValueId> output_ids = {};
  std::byte* workspace = nullptr;
  uint32_t packed = 0;
  std::string_view choice = {};
  BackendRegion* region = nullptr;  // of a delegate: what runs instead of kernel and reference
  std::vector<kernels::PackedMatrix> next = {};  // of a product: what the one after it reads
  double seconds = 0;
  std::vector<StreamedPart> streamed = {};  // of the stream's next piece
  graph::ValueId selector = graph::kNone;   // what says whether the piece is needed
  size_t choices = 0;  // how many such pieces, from this on, it decides on; 0 but for the first one
  std::unique_ptr<GatheredRows> gathered = {};
  std::unique_ptr<const graph::Attrs> own_attrs = {};
  AlignedBuffer prepared = {};  // of a constant, in the kernel's layout

  graph::KernelCall call() const { return {inputs, outputs, *attrs, workspace, packed, choice}; }
};

/// Cuts a step whose kernel has products and some of whose weights are streamed (their views have
/// no data) into calls of which each needs one piece of the stream, or none. Appends the calls and
/// their pieces.
void cut_step(PlanStep step, const graph::Graph& graph, const WeightStore& weights,
              std::vector<PlanStep>& steps, StreamRing& ring);

/// What GatheredRows of a table take for so many ids.
int64_t gathered_bytes(const TensorView& table, const TensorView& ids, int workers);

/// Lets a look-up find its rows where gather_rows() puts them.
void gather_step(PlanStep& step, FileRange table, int workers);

/// From what the stream has read to the layout of the kernels. Called by every worker, which then
/// have all finished.
void pack_parts(std::span<const StreamedPart> parts, std::span<const std::byte* const> ranges,
                Worker& worker);

/// Reads this worker's share of the rows; sync() before they are used.
Status read_rows(GatheredRows& gathered, const Worker& worker);

}  // namespace verge::runtime
