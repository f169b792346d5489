#pragma once
// COp: how one operator of the Graph becomes C. Each file of ops/ defines a group of them; the
// table of all is generated from the file names.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/emit/c_blocks.hpp>
#include <verge/engine/emit/c_values.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::emit {

/// Weights of a product: floats, or bytes of a format that has decode_NAME.
struct CWeights {
  std::string pointer;
  const CBlocks* blocks = nullptr;  // of floats: none
};

/// A node while its call is written.
class CNode {
 public:
  CNode(const graph::Graph& graph, const graph::Node& node, CValues& values)
      : graph_(graph), node_(node), values_(values) {}

  bool has(size_t input) const;
  bool wants(size_t output) const;
  Shape in(size_t input) const;
  DType dtype(size_t input) const { return graph_.value(node_.inputs[input]).type.dtype; }
  Shape out(size_t output = 0) const;
  /// "op_" and the operator's name.
  std::string function() const;
  const graph::Attrs& attrs() const { return node_.attrs; }
  /// The enumerator of kActivation that the attribute "activation" names; fails the node otherwise.
  std::string activation();
  size_t inputs() const { return node_.inputs.size(); }

  /// C for a pointer to the value, "NULL" for one that is absent or unread. Fails the node where
  /// its elements are no `as` and cannot be given as such.
  std::string read(size_t input, DType as = DType::F32);
  std::string write(size_t output = 0, DType as = DType::F32);

  /// C for a matrix that the node reads row by row: in the blocks that it is stored in, if nothing
  /// changes it and they divide its rows. Fails the node for blocks that have no C.
  CWeights weights(size_t input);
  /// Says that the call needs C that is not in COp::code, because of its operands. Once is enough.
  void use(std::string_view code) { needed_.emplace_back(code); }
  /// The same for the functions of a format: decode_NAME and "dot" or "row".
  void use_dot(const CBlocks& blocks);
  void use_row(const CBlocks& blocks);

  /// Adds "function(arguments);".
  template <typename... Arguments>
  void call(std::string_view function, const Arguments&... arguments) {
    std::string list;
    ((list += fmt::format("{}{}", list.empty() ? "" : ", ", arguments)), ...);
    text_ += fmt::format("  {}({});\n", function, list);
  }
  /// Says why the node cannot be C.
  void fail(std::string reason);

  const std::string& text() const { return text_; }
  const std::string& failure() const { return failure_; }
  const std::vector<std::string>& needed() const { return needed_; }

 private:
  void use_decode(const CBlocks& blocks);

  const graph::Graph& graph_;
  const graph::Node& node_;
  CValues& values_;
  std::string text_, failure_;
  std::vector<std::string> needed_;
};

struct COp {
  std::string_view name;                     // of the Graph's operator
  std::vector<std::string_view> uses;        // of shared_code.hpp, in order
  std::string code;                          // its functions, written once; others by CNode::use
  std::vector<std::string_view> attributes;  // those that `call` knows
  size_t inputs = 0;                         // that it knows; 0: any number
  void (*call)(CNode& node) = nullptr;
};

struct COpGroup {
  std::vector<COp> ops;
};

/// The C of the operator of this name, or nullptr.
const COp* find_c_op(std::string_view name);

/// A float constant: "0.5f", "INFINITY".
std::string c_float(double value);

namespace ops {
std::span<const COpGroup> table();  // generated from the files of ops/
}

}  // namespace verge::emit
