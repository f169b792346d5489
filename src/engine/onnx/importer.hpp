#pragma once
// Importer: walks the nodes of a file and its branches. Internal to this module; callers use
// import.hpp.

#include <map>

#include <verge/engine/onnx/emitter.hpp>

namespace verge::onnx {

class Importer {
 public:
  Importer(const format::onnx::Onnx& file, std::span<const InputBinding> bindings);

  Result<Network> run();

  const format::onnx::Onnx& file() const { return file_; }
  /// Builds the nodes of a graph in a scope of their own, in which its first inputs are `inputs`;
  /// returns the values of its outputs.
  Result<std::vector<Value>> build_branch(const format::onnx::GraphData& branch,
                                          std::span<const Value> inputs = {});
  /// Malformed for a name that this graph has already: each is defined once.
  Status define(const std::string& name, Value value);

 private:
  // The names of one graph; branches see those around them.
  struct Scope {
    std::map<std::string, Value, std::less<>> values;
    std::map<std::string, const format::onnx::TensorData*, std::less<>> stored;  // not yet used
  };

  Status bind_inputs();
  Status bind_input(const format::onnx::ValueInfo& input);
  Status build(const format::onnx::GraphData& graph);
  Status build_node(const format::onnx::NodeData& node, size_t index);
  Result<Value> find(const std::string& name);
  Result<Value> find_output(const format::onnx::ValueInfo& output);
  Status name_outputs();
  Port port_of(const format::onnx::ValueInfo& output, Value value);
  std::string free_name(std::string name) const;

  const format::onnx::Onnx& file_;
  const std::span<const InputBinding> bindings_;
  Emitter emitter_;
  std::vector<Scope> scopes_;
  Network network_;
};

}  // namespace verge::onnx
