#include <algorithm>
#include <limits>

#include <verge/engine/emit/c_bytes.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/c_values.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::emit {
namespace {

using graph::kNone;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

bool is_real(DType dtype) {
  return c_dtype(dtype) == DType::F32;
}

// C has no literal of the least.
std::string c_integer(int64_t value) {
  return value == std::numeric_limits<int64_t>::min() ? "INT64_MIN" : fmt::format("{}", value);
}

// Constants of these types are bytes as they are stored.
bool is_bytes(DType dtype) {
  return is_quantized(dtype) || dtype == DType::F16 || dtype == DType::BF16;
}

int64_t stored_bytes(const graph::Graph& graph, const CArray& array) {
  return bytes_of(array.dtype, graph.bound_shape(graph.value(array.id).type).count());
}

}  // namespace

DType c_dtype(DType dtype) {
  switch (dtype) {
    case DType::I8:
    case DType::U8:
    case DType::I32:
    case DType::I64:
      return dtype;
    default:
      return DType::F32;
  }
}

std::string_view c_type(DType dtype) {
  switch (dtype) {
    case DType::I8:
      return "int8_t";
    case DType::U8:
      return "uint8_t";
    case DType::I32:
      return "int32_t";
    case DType::I64:
      return "int64_t";
    case DType::F16:
      return "uint16_t";
    default:
      return "float";
  }
}

CValues::CValues(const graph::Graph& graph, const graph::ParameterValues& parameters)
    : graph_(graph),
      parameters_(parameters),
      memory_(graph::plan_memory(graph)),
      places_(graph.values.size()),
      view_of_(graph.values.size(), kNone) {
  const std::vector<bool> overwritten = graph::overwritten_values(graph);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    const auto id = static_cast<ValueId>(i);
    CArray array{id, c_dtype(value.type.dtype), ""};
    const bool is_kept =
        value.kind == ValueKind::State || (value.kind == ValueKind::Param && overwritten[i]);
    if (value.kind == ValueKind::Input) {
      array.name = names_.unique("in_", value.name);
      inputs_.push_back(array);
      places_[i] = array.name;
    } else if (is_kept) {
      array.dtype = stored_dtype(id);
      array.name = names_.unique("kept_", value.name);
      kept_.push_back(array);
      places_[i] = array.name;
    }
    if (!value.is_output) continue;
    array.name = names_.unique("out_", value.name);
    outputs_.push_back(array);
  }
  place_activations();
}

void CValues::place_activations() {
  std::map<int32_t, CArray> apart;
  for (const graph::Node& node : graph_.nodes) {
    for (const ValueId id : node.outputs) {
      if (id == kNone) continue;
      const auto i = static_cast<size_t>(id);
      const int32_t index = memory_.buffer_of_value[i];
      const DType dtype = c_dtype(graph_.value(id).type.dtype);
      if (graph_.value(id).alias_of != kNone) {
        view_of_[i] = graph_.value(id).alias_of;
      } else if (index < 0) {
        if (node.op->is_view) view_of_[i] = node.inputs[0];
      } else if (dtype == DType::F32 || dtype == DType::U8 || dtype == DType::I8) {
        const graph::Buffer& buffer = memory_.buffers[static_cast<size_t>(index)];
        const std::string at = fmt::format("arena + {}", buffer.offset / 4);
        places_[i] = dtype == DType::F32 ? at : fmt::format("({} *)({})", c_type(dtype), at);
      } else {  // C may not read memory by other types than it was written by, but as bytes
        const auto [found, is_new] = apart.try_emplace(index, CArray{id, dtype, ""});
        if (is_new) {
          found->second.name = names_.unique("values_", graph_.value(id).name);
          buffers_.push_back(found->second);
        }
        places_[i] = found->second.name;
      }
    }
  }
}

ValueId CValues::home(ValueId id) const {
  while (view_of_[static_cast<size_t>(id)] != kNone) id = view_of_[static_cast<size_t>(id)];
  return id;
}

DType CValues::stored_dtype(ValueId id) const {
  const Value& value = graph_.value(id);
  const bool is_half = value.kind == ValueKind::State && value.type.dtype == DType::F16;
  return is_half ? DType::F16 : c_dtype(value.type.dtype);
}

bool CValues::is_stored(ValueId id) const {
  if (id == kNone) return false;
  const ValueId at = home(id);
  const ValueKind kind = graph_.value(at).kind;
  return kind == ValueKind::Param || kind == ValueKind::Const ||
         !places_[static_cast<size_t>(at)].empty();
}

std::string CValues::constant(ValueId id, DType as) {
  std::string& name = constant_names_[{id, as}];
  if (name.empty()) {
    name = names_.unique("w_", graph_.value(id).name);
    constants_.push_back({id, as, name});
  }
  return name;
}

std::string CValues::read(ValueId id, DType as) {
  const ValueId at = home(id);
  const std::string& place = places_[static_cast<size_t>(at)];
  if (place.empty() && is_stored(id)) return constant(at, as);  // converted while it is written
  return stored_dtype(at) == as ? place : "";
}

std::string CValues::write(ValueId id, DType as) {
  const ValueId at = home(id);
  return stored_dtype(at) == as ? places_[static_cast<size_t>(at)] : "";
}

bool CValues::has_bytes(ValueId id) const {
  const ValueId at = home(id);
  return places_[static_cast<size_t>(at)].empty() && is_stored(id) &&
         is_bytes(graph_.value(at).type.dtype);
}

std::string CValues::read_bytes(ValueId id) {
  const ValueId at = home(id);
  return c_bytes_pointer(constant(at, graph_.value(at).type.dtype));
}

std::string CValues::copy_outputs() {
  std::string text;
  for (const CArray& output : outputs_) {
    const std::string from = read(output.id, output.dtype);
    text += fmt::format("  memcpy({}, {}, {});\n", output.name, from, stored_bytes(graph_, output));
  }
  return text;
}

int64_t CValues::constant_bytes() const {
  int64_t bytes = 0;
  for (const CArray& array : constants_) bytes += stored_bytes(graph_, array);
  return bytes;
}

int64_t CValues::bytes_of_kept(ValueKind kind) const {
  int64_t bytes = 0;
  for (const CArray& array : kept_) {
    if (graph_.value(array.id).kind == kind) bytes += stored_bytes(graph_, array);
  }
  return bytes;
}

int64_t CValues::kept_bytes() const {
  return bytes_of_kept(ValueKind::Param);
}

int64_t CValues::state_bytes() const {
  return bytes_of_kept(ValueKind::State);
}

std::string CValues::declaration(const CArray& array, bool is_const) const {
  const int64_t count = graph_.bound_shape(graph_.value(array.id).type).count();
  if (is_const && is_bytes(array.dtype)) {
    return "static " + c_bytes_declaration(array.name, stored_bytes(graph_, array));
  }
  return fmt::format("static {}{} {}[{}]", is_const ? "const " : "", c_type(array.dtype),
                     array.name, std::max<int64_t>(count, 1));
}

std::string CValues::declarations() const {
  std::string text;
  const bool has_rows =
      std::ranges::any_of(constants_, [](const CArray& array) { return is_bytes(array.dtype); });
  if (has_rows) text += kRowsWithoutZero;
  for (const CArray& array : constants_) text += declaration(array, true) + ";\n";
  for (const CArray& array : kept_) text += declaration(array, false) + ";\n";
  for (const CArray& array : buffers_) text += declaration(array, false) + ";\n";
  if (arena_bytes() > 0) text += fmt::format("static float arena[{}];\n", arena_bytes() / 4);
  return text;
}

Result<TensorView> CValues::stored(const CArray& array) const {
  const Value& value = graph_.value(array.id);
  const Shape shape = graph_.bound_shape(value.type);
  std::optional<TensorView> stored;
  if (value.data != nullptr) {
    stored = value.data->view();
  } else if (parameters_) {
    stored = parameters_(value.name);
  }
  if (!stored) return make_error(Code::NotFound, "tensor {} is missing", value.name);
  if (stored->shape != shape) {
    return make_error(Code::Malformed, "tensor {} is {}, the graph has {}", value.name,
                      stored->shape.str(), shape.str());
  }
  return *stored;
}

Result<std::string> CValues::elements(const CArray& array) const {
  VERGE_TRY(const TensorView stored, this->stored(array));
  CList list;
  if (stored.dtype == DType::I64 && !is_real(array.dtype)) {  // some are no doubles
    const auto* elements = stored.as<int64_t>();
    for (int64_t i = 0; i < stored.shape.count(); ++i) list.add(c_integer(elements[i]));
  } else {
    for (const double element : graph::load(stored)) {
      list.add(is_real(array.dtype) ? c_float(element) : c_integer(static_cast<int64_t>(element)));
    }
  }
  return list.str();
}

Result<std::string> CValues::bytes(const CArray& array) const {
  VERGE_TRY(const TensorView stored, this->stored(array));
  if (stored.dtype != array.dtype) {
    return make_error(Code::Malformed, "tensor {} is {}, the graph has {}",
                      graph_.value(array.id).name, name(stored.dtype), name(array.dtype));
  }
  return c_bytes_rows({stored.as<std::byte>(), static_cast<size_t>(stored.bytes())});
}

Result<std::string> CValues::definitions() const {
  std::string text;
  const auto add = [&](const CArray& array, bool is_const) -> Status {
    VERGE_TRY(const std::string values,
              is_const&& is_bytes(array.dtype) ? bytes(array) : elements(array));
    text += fmt::format("\n{} = {{  /* {} {} */\n{}}};\n", declaration(array, is_const),
                        c_comment(graph_.value(array.id).name),
                        graph_.bound_shape(graph_.value(array.id).type).str(), values);
    return {};
  };
  for (const CArray& array : constants_) VERGE_RETURN_IF_ERROR(add(array, true));
  for (const CArray& array : kept_) {
    if (graph_.value(array.id).kind != ValueKind::Param) continue;  // zero at first
    VERGE_RETURN_IF_ERROR(add(array, false));
  }
  return text;
}

}  // namespace verge::emit
