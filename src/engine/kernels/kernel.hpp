#pragma once
// KernelDef: the fast way to run an operator. Kernels are found by file name: ops/x.cpp defines
// `KernelDef x()` for the operator x, and chooses among generic/, avx2/, avx512/ ... by the Isa it
// is given. A kernel is called by every thread of a pool at once and shares the work through its
// Worker. It does not allocate; the plan gives it the workspace it asked for.

#include <string>
#include <utility>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// A product of a call that can be computed some rows of its weights at a time, each in a call of
/// its own: which inputs that call has, in order.
struct RowProduct {
  enum class Role {
    Whole,     // as it is
    Selector,  // ids of the matrices that are needed at all, as it is
    Weight,    // [..., rows, cols], packed: the rows at hand
    Bias,      // [rows]: theirs
    Output,    // laid out as the output: their columns
  };
  std::vector<std::pair<size_t, Role>> inputs;
  size_t output = 0;
};

struct KernelDef {
  std::string_view op;
  /// Whether this kernel can run a call of these types and shapes (at the upper bounds); null:
  /// always. Where it cannot, the operator's reference runs instead, and the plan says so.
  bool (*supports)(const graph::KernelCall& call) = nullptr;
  void (*run)(const graph::KernelCall& call, Worker& worker, Isa isa) = nullptr;
  /// Whether a call has nothing to do: the plan then passes over it, without the wait for all
  /// workers. Depends on inputs of the run alone, which all of them see; of a cut call
  /// (row_products), where the plan does wait, also on what was computed before. Null: never.
  bool (*is_idle)(const graph::KernelCall& call) = nullptr;
  /// Scratch memory for a call at the upper bounds, run with this Isa; null: none.
  int64_t (*workspace_bytes)(const graph::KernelCall& call, int threads, Isa isa) = nullptr;
  /// The ways in which this kernel can run a call, which differ in speed and, in the last bits, in
  /// results. The first is taken unless another was measured. Null: there is one.
  std::vector<std::string_view> (*choices)(const graph::KernelCall& call) = nullptr;
  /// Whether input `input` must be given in the packed layout (packed.hpp), or in the one that
  /// prepare() makes; null: never.
  bool (*wants_packed)(const graph::KernelCall& call, size_t input) = nullptr;
  /// Bytes of a layout of the kernel's own, for the choice of the call; null: it is packed.hpp's.
  int64_t (*prepared_bytes)(const graph::KernelCall& call, size_t input, Isa isa) = nullptr;
  /// Makes it of an input that is there in its own layout.
  void (*prepare)(const graph::KernelCall& call, size_t input, std::byte* prepared, Worker& worker,
                  Isa isa) = nullptr;
  /// What of a call tells that layout apart from others of the same weight, size and choice; null:
  /// all attributes and the shape of the first input.
  std::string (*layout)(const graph::KernelCall& call) = nullptr;
  /// Whether input `input` may be given packed, where another kernel wants it so: a weight that two
  /// operators share then needs one copy. Null: never.
  bool (*reads_packed)(const graph::KernelCall& call, size_t input) = nullptr;
  /// The products that the call consists of, where it can be cut so: the output that a call gets is
  /// then where its first row goes, with the row length of the whole. Weights of three dimensions
  /// are cut in one matrix at a time, whose number is the attribute "first_matrix". Null: never.
  std::vector<RowProduct> (*row_products)(const graph::KernelCall& call) = nullptr;
};

/// The kernel of an operator, or nullptr.
const KernelDef* find_kernel(std::string_view op);

}  // namespace verge::kernels
