#pragma once
// Chain: a body on its way to a list of oneDNN's primitives. Values lie in the layouts that the
// primitives ask for; reorders stand only where two disagree, and those of weights run once.
// Internal to this folder.

#include <memory>
#include <span>
#include <vector>

#include <verge/engine/backends/onednn/library.hpp>
#include <verge/engine/graph/delegate_body.hpp>

namespace verge::backends::onednn {

using Layout = dnnl_memory_desc_t;
using Extents = std::vector<int64_t>;

Extents extents_of(const Layout& layout);

/// Bytes in a buffer, and how they are laid out.
struct Operand {
  Layout layout;
  int buffer = -1;
};

struct Buffer {
  enum class Kind {
    Input,    // of the node, given at each run
    Weight,   // of the node, as it is stored
    Output,   // of the node
    Kept,     // weights in another layout
    Passing,  // what primitives hand to each other
  };
  Kind kind = Kind::Passing;
  size_t index = 0;  // of the node's input or output
  int64_t bytes = 0;
};

struct Argument {
  int name;  // DNNL_ARG_...
  Operand operand;
};

using Description = std::unique_ptr<dnnl_primitive_desc, decltype(&::dnnl_primitive_desc_destroy)>;

struct ChainStep {
  Description description;
  std::vector<Argument> arguments;
};

/// What is done to a product's elements before they are stored.
struct PostOp {
  enum class Kind { Eltwise, Sum };
  Kind kind = Kind::Eltwise;
  dnnl_alg_kind_t algorithm = dnnl_alg_kind_undef;
  float alpha = 0, beta = 0;
};

class Chain {
 public:
  /// `inputs` of the node: weights have data. Both outlive this.
  Chain(std::shared_ptr<const Library> library, const graph::Graph& body,
        std::span<const TensorView> inputs);

  /// Adds a node's primitives. Fails with Unsupported where oneDNN has none.
  Status add(size_t node);
  /// Adds what brings the outputs to their places. Fails as add() does.
  Status finish();

  const Library& dnnl() const { return *library_; }
  const graph::Graph& body() const { return body_; }
  Extents extents(graph::ValueId id) const;
  Layout any(const Extents& extents) const;
  Layout plain(const Extents& extents) const;

  /// The value as it lies.
  const Operand& operand(graph::ValueId id) const { return places_[static_cast<size_t>(id)]; }
  /// As it lies where that is in the value's own extents, else by rows.
  Operand in_own_extents(graph::ValueId id);
  /// Its elements in the order of rows, seen under these extents.
  Operand plain_as(graph::ValueId id, const Extents& extents);
  /// The same elements in another layout of the same extents. Where oneDNN cannot, the node's
  /// add() fails.
  Operand reordered(const Operand& from, const Layout& to);
  /// The same in memory of its own, whatever `from` is.
  Operand copied(const Operand& from, const Layout& to);
  Operand fresh(const Layout& layout);
  /// The value's own memory where nobody needs the value after this node and `others` do not lie
  /// there, else a copy of it in memory of its own.
  Operand writable(graph::ValueId id, const Layout& layout, std::span<const Operand> others);
  void place(graph::ValueId id, const Operand& operand);

  /// Null where oneDNN has no implementation.
  Description describe(const void* operation, std::span<const PostOp> post_ops) const;
  Description concatenation(const std::vector<Layout>& parts, int axis) const;
  Layout layout_of(const Description& description, dnnl_query_t what) const;
  /// Whether it is oneDNN's own slow reference.
  bool is_reference(const Description& description) const;
  void push(Description description, std::vector<Argument> arguments);

  std::vector<ChainStep>& steps() { return steps_; }
  std::vector<ChainStep>& preparations() { return preparations_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  /// A step that only oneDNN's reference runs.
  bool has_reference() const;

 private:
  int add_buffer(const Buffer& buffer);
  bool is_known(int buffer) const;
  bool is_needed_later(int buffer) const;
  Description reorder(const Layout& from, const Layout& to) const;
  void emit_reorder(const Operand& from, const Operand& to);

  struct Reordered {
    Operand from, to;
  };

  std::shared_ptr<const Library> library_;
  const graph::Graph& body_;
  std::vector<Operand> places_;  // by value
  std::vector<size_t> last_reader_;
  std::vector<Buffer> buffers_;
  std::vector<ChainStep> steps_, preparations_;
  std::vector<Reordered> reordered_;
  size_t node_ = 0;
  Status status_;  // of the reorders
};

}  // namespace verge::backends::onednn
