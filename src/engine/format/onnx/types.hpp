#pragma once
// What an ONNX file says, as plain structs: onnx.proto (github.com/onnx/onnx) without what only
// training and documentation use. Bytes of tensors stay where the file has them.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>

namespace verge::format::onnx {

/// TensorProto.DataType.
enum class ElementType : int32_t {
  Undefined = 0,
  Float = 1,
  Uint8 = 2,
  Int8 = 3,
  Uint16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  Uint32 = 12,
  Uint64 = 13,
  Bfloat16 = 16,
};

/// "float32", "int64", ...; "type 23" for one that Verge does not know.
std::string name(ElementType type);
/// Bytes of one element; 0 for types of no fixed size and those Verge does not know.
int64_t element_bytes(ElementType type);
bool is_float(ElementType type);

/// Where the values of a tensor lie outside of the file.
struct ExternalData {
  std::string location = {};  // relative to the file's folder
  uint64_t offset = 0;
  std::optional<uint64_t> length = {};
};

/// A constant tensor. Little-endian values, dense, last axis contiguous.
struct TensorData {
  std::string name = {};
  ElementType type = ElementType::Undefined;
  std::vector<int64_t> dims = {};
  std::span<const std::byte> bytes =
      {};  // count() elements, once read and external data is attached
  std::shared_ptr<const void> owner = {};  // of bytes that are not in the file's mapping
  std::optional<ExternalData> external = {};

  int64_t count() const;
};

struct GraphData;

enum class AttributeKind : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  Other = 9,  // graphs, tensors, sparse tensors, types: nothing that Verge runs has them
};

struct Attribute {
  std::string name = {};
  AttributeKind kind = AttributeKind::Undefined;
  double real = 0;
  int64_t integer = 0;
  std::string text = {};
  std::vector<double> reals = {};
  std::vector<int64_t> integers = {};
  std::vector<std::string> texts = {};
  std::shared_ptr<TensorData> tensor = {};
  std::shared_ptr<GraphData> graph = {};
};

struct NodeData {
  std::string op_type = {};
  std::string domain = {};  // "" is ONNX's own
  std::string name = {};
  std::vector<std::string> inputs = {};  // "" is an absent one
  std::vector<std::string> outputs = {};
  std::vector<Attribute> attributes = {};

  const Attribute* find(std::string_view attribute) const;
};

/// One extent of an input or output: a number, or a name for what is known only when it runs.
struct Extent {
  int64_t value = -1;  // -1: dynamic
  std::string symbol = {};
};

struct ValueInfo {
  std::string name = {};
  ElementType type = ElementType::Undefined;
  bool is_tensor = false;
  bool has_shape = false;
  std::vector<Extent> dims = {};
};

struct GraphData {
  std::string name = {};
  std::vector<NodeData> nodes = {};
  std::vector<TensorData> initializers = {};
  std::vector<ValueInfo> inputs = {};  // initializers that old files list among them included
  std::vector<ValueInfo> outputs = {};
};

struct ModelData {
  int64_t ir_version = 0;
  std::string producer = {};
  int64_t opset = 0;                                               // of ONNX's own operators
  std::vector<std::pair<std::string, int64_t>> domains = {};       // others
  std::vector<std::pair<std::string, std::string>> metadata = {};  // keys and what they say
  std::vector<std::string> functions = {};  // operators that the file defines itself
  GraphData graph = {};
};

}  // namespace verge::format::onnx
