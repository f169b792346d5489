#include <algorithm>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Attrs::Attrs(std::initializer_list<std::pair<std::string, Attr>> entries) {
  for (const auto& [name, value] : entries) set(name, value);
}

void Attrs::set(std::string_view name, Attr value) {
  const auto at = std::ranges::lower_bound(
      entries_, name, {}, [](const auto& entry) { return std::string_view(entry.first); });
  if (at != entries_.end() && at->first == name) {
    at->second = std::move(value);
  } else {
    entries_.emplace(at, std::string(name), std::move(value));
  }
}

const Attr* Attrs::find(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (key == name) return &value;
  }
  return nullptr;
}

int64_t Attrs::integer(std::string_view name, int64_t otherwise) const {
  const Attr* attr = find(name);
  return attr == nullptr ? otherwise : std::get<int64_t>(*attr);
}

double Attrs::real(std::string_view name, double otherwise) const {
  const Attr* attr = find(name);
  if (attr == nullptr) return otherwise;
  if (const auto* whole = std::get_if<int64_t>(attr)) return static_cast<double>(*whole);
  return std::get<double>(*attr);
}

std::string_view Attrs::text(std::string_view name, std::string_view otherwise) const {
  const Attr* attr = find(name);
  return attr == nullptr ? otherwise : std::string_view(std::get<std::string>(*attr));
}

const std::vector<int64_t>& Attrs::list(std::string_view name) const {
  static const std::vector<int64_t> kEmpty;
  const Attr* attr = find(name);
  return attr == nullptr ? kEmpty : std::get<std::vector<int64_t>>(*attr);
}

ValueId Graph::find(std::string_view value_name) const {
  const auto at = std::ranges::find(values, value_name, &Value::name);
  return at == values.end() ? kNone : static_cast<ValueId>(at - values.begin());
}

Shape Graph::bound_shape(const Type& type) const {
  std::vector<int64_t> extents;
  for (const Dim& dim : type.dims) {
    extents.push_back(dim.is_constant()
                          ? dim.factor
                          : dim.factor * symbols[static_cast<size_t>(dim.symbol)].bound);
  }
  return Shape(extents);
}

Shape Graph::actual_shape(const Type& type, std::span<const int64_t> extents) const {
  Shape shape = bound_shape(type);
  for (size_t axis = 0; axis < type.dims.size(); ++axis) {
    const Dim& dim = type.dims[axis];
    if (!dim.is_constant()) {
      shape[static_cast<int>(axis)] = dim.factor * extents[static_cast<size_t>(dim.symbol)];
    }
  }
  return shape;
}

ValueId Graph::root(ValueId id) const {
  while (value(id).alias_of != kNone) id = value(id).alias_of;
  return id;
}

int64_t bound_bytes(const Graph& graph, ValueId id) {
  const Type& type = graph.value(id).type;
  return bytes_of(type.dtype, graph.bound_shape(type).count());
}

}  // namespace verge::graph
