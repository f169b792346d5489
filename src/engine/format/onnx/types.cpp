#include <algorithm>
#include <iterator>

#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {
namespace {

struct ElementFacts {
  ElementType type;
  std::string_view name;
  int64_t bytes;
};

constexpr ElementFacts kElements[] = {
    {ElementType::Float, "float32", 4},  {ElementType::Uint8, "uint8", 1},
    {ElementType::Int8, "int8", 1},      {ElementType::Uint16, "uint16", 2},
    {ElementType::Int16, "int16", 2},    {ElementType::Int32, "int32", 4},
    {ElementType::Int64, "int64", 8},    {ElementType::String, "string", 0},
    {ElementType::Bool, "bool", 1},      {ElementType::Float16, "float16", 2},
    {ElementType::Double, "float64", 8}, {ElementType::Uint32, "uint32", 4},
    {ElementType::Uint64, "uint64", 8},  {ElementType::Bfloat16, "bfloat16", 2},
};

const ElementFacts* facts_of(ElementType type) {
  const auto* found = std::ranges::find(kElements, type, &ElementFacts::type);
  return found == std::end(kElements) ? nullptr : found;
}

}  // namespace

std::string name(ElementType type) {
  const ElementFacts* facts = facts_of(type);
  return facts != nullptr ? std::string(facts->name)
                          : fmt::format("type {}", static_cast<int32_t>(type));
}

int64_t element_bytes(ElementType type) {
  const ElementFacts* facts = facts_of(type);
  return facts != nullptr ? facts->bytes : 0;
}

bool is_float(ElementType type) {
  return type == ElementType::Float || type == ElementType::Double ||
         type == ElementType::Float16 || type == ElementType::Bfloat16;
}

int64_t TensorData::count() const {
  int64_t count = 1;
  for (int64_t extent : dims) count *= extent;
  return count;
}

const Attribute* NodeData::find(std::string_view attribute) const {
  const auto found = std::ranges::find(attributes, attribute, &Attribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

}  // namespace verge::format::onnx
