#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/onnx/importer.hpp>
#include <verge/engine/onnx/node_context.hpp>

namespace verge::onnx {
namespace {

// Far beyond any extent, and sums of a few still fit.
constexpr double kMostInteger = 1LL << 53;

int64_t to_integer(double value) {
  if (std::isnan(value)) return 0;
  return static_cast<int64_t>(std::clamp(value, -kMostInteger, kMostInteger));
}

}  // namespace

NodeContext::NodeContext(Importer& importer, Emitter& emitter, const format::onnx::NodeData& node,
                         std::vector<Value> inputs)
    : importer_(importer), emitter_(emitter), node_(node), inputs_(std::move(inputs)) {}

int64_t NodeContext::opset() const {
  return importer_.file().model().opset;
}

int64_t NodeContext::integer(std::string_view name, int64_t otherwise) const {
  const auto* attribute = node_.find(name);
  if (attribute == nullptr) return otherwise;
  return to_integer(static_cast<double>(attribute->integer));
}

double NodeContext::real(std::string_view name, double otherwise) const {
  const auto* attribute = node_.find(name);
  return attribute == nullptr ? otherwise : attribute->real;
}

std::string NodeContext::text(std::string_view name, std::string_view otherwise) const {
  const auto* attribute = node_.find(name);
  return attribute == nullptr ? std::string(otherwise) : attribute->text;
}

std::vector<int64_t> NodeContext::integers(std::string_view name) const {
  const auto* attribute = node_.find(name);
  std::vector<int64_t> integers;
  if (attribute == nullptr) return integers;
  for (int64_t value : attribute->integers) {
    integers.push_back(to_integer(static_cast<double>(value)));
  }
  return integers;
}

Status NodeContext::require_inputs(size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    if (!has_input(i)) return malformed(fmt::format("input {} is missing", i));
  }
  return {};
}

Result<std::vector<double>> NodeContext::known_reals(size_t i) const {
  if (!has_input(i)) return malformed(fmt::format("input {} is missing", i));
  if (emitter_.is_known(inputs_[i])) return emitter_.values(inputs_[i]);
  return unsupported(fmt::format(
      "its input {} \"{}\" depends on what the network is given when it runs; only values that "
      "follow from shapes, constants and single integers can stand there",
      i, node_.inputs[i]));
}

Result<std::vector<int64_t>> NodeContext::known_integers(size_t i) const {
  VERGE_TRY(const std::vector<double> reals, known_reals(i));
  std::vector<int64_t> integers;
  for (double value : reals) integers.push_back(to_integer(value));
  return integers;
}

Result<std::vector<int64_t>> NodeContext::integers_of(size_t i, std::string_view attribute) const {
  if (has_input(i)) return known_integers(i);
  return integers(attribute);
}

Result<int> NodeContext::axis_of(int64_t axis, int rank) const {
  const int64_t from_front = axis < 0 ? axis + rank : axis;
  if (from_front >= 0 && from_front < rank) return static_cast<int>(from_front);
  return malformed(fmt::format("axis {} of {}", axis, rank));
}

Value NodeContext::reshape(Value x, const std::vector<int64_t>& extents) {
  if (failed() || !x) return {};
  const Shape before = shape(x);
  const std::vector<int64_t> now(before.extents().begin(), before.extents().end());
  if (now == extents) return x;
  return emit("reshape", {x}, graph::dims_attrs({extents.begin(), extents.end()}));
}

Value NodeContext::transpose(Value x, const std::vector<int64_t>& perm) {
  return emit("transpose", {x}, {{"perm", perm}});
}

Value NodeContext::broadcast(Value x, const Shape& to) {
  if (failed() || !x || shape(x) == to) return x;
  return emit("broadcast_to", {x}, graph::dims_attrs({to.extents().begin(), to.extents().end()}));
}

Value NodeContext::slice(Value x, int axis, int64_t start, int64_t size) {
  if (failed() || !x || (start == 0 && shape(x)[axis] == size)) return x;
  return emit("slice", {x}, {{"axis", int64_t{axis}}, {"start", start}, {"size", size}});
}

Value NodeContext::gather(Value x, int axis, const std::vector<int64_t>& positions) {
  if (failed()) return {};
  if (shape(x)[axis] > INT32_MAX) {
    emitter_.builder().fail(unsupported(fmt::format("an axis of {}", shape(x)[axis])));
    return {};
  }
  return emit("gather", {x, emitter_.indices(positions)}, {{"axis", int64_t{axis}}});
}

Value NodeContext::truth(Value x) {
  if (failed() || !x) return {};
  if (dtype(x) == DType::U8) return {x.id, ElementType::Bool};
  return emit_as(ElementType::Bool, "compare", {x, scalar(0, x.type)}, {{"op", std::string("ne")}});
}

Value NodeContext::convert(Value x, ElementType type) {
  if (failed() || !x) return {};
  if (type == ElementType::Bool) return truth(x);
  if (dtype(x) == graph_dtype(type)) return {x.id, type};
  if (x.type == type && graph::is_level(dtype(x))) return x;  // between quantizing and the way back
  return emit_as(type, "cast", {x}, {{"to", std::string(name(graph_dtype(type)))}});
}

Result<Value> NodeContext::stored(const format::onnx::TensorData& tensor) {
  return emitter_.stored(tensor, importer_.file().file());
}

void NodeContext::set_output(size_t i, Value value) {
  if (!wants_output(i) || failed() || !value) return;
  const Status status = importer_.define(node_.outputs[i], convert(value, value.type));
  if (!status) emitter_.builder().fail(status.error());
}

Status NodeContext::build_branch(const format::onnx::GraphData& branch) {
  VERGE_TRY(const std::vector<Value> outputs, importer_.build_branch(branch));
  if (outputs.size() < node_.outputs.size()) return malformed("a branch lacks outputs");
  for (size_t i = 0; i < node_.outputs.size(); ++i) set_output(i, outputs[i]);
  return {};
}

Result<std::vector<Value>> NodeContext::build_body(const format::onnx::GraphData& body,
                                                   std::span<const Value> inputs) {
  return importer_.build_branch(body, inputs);
}

bool NodeContext::has_open_rows(Value value, std::optional<int> axis) const {
  const auto rows = emitter_.open_rows(value);
  return rows && (!axis || rows->axis == *axis);
}

bool NodeContext::failed() const {
  return emitter_.builder().failed();
}

Error NodeContext::unsupported(std::string_view what) const {
  return make_error(Code::Unsupported, "{}", what);
}

Error NodeContext::malformed(std::string_view what) const {
  return make_error(Code::Malformed, "{}", what);
}

}  // namespace verge::onnx
