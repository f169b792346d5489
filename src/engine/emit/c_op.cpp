#include <algorithm>
#include <cmath>

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::emit {

using graph::kNone;
using graph::ValueId;

bool CNode::has(size_t input) const {
  return input < node_.inputs.size() && node_.inputs[input] != kNone;
}

bool CNode::wants(size_t output) const {
  return output < node_.outputs.size() && values_.is_stored(node_.outputs[output]);
}

Shape CNode::in(size_t input) const {
  return graph_.bound_shape(graph_.value(node_.inputs[input]).type);
}

Shape CNode::out(size_t output) const {
  return graph_.bound_shape(graph_.value(node_.outputs[output]).type);
}

std::string CNode::function() const {
  return fmt::format("op_{}", node_.op->name);
}

std::string CNode::activation() {
  constexpr std::pair<std::string_view, std::string_view> kEnumerators[] = {
      {"", "NONE"},     {"none", "NONE"},        {"relu", "RELU"},     {"relu6", "RELU6"},
      {"silu", "SILU"}, {"sigmoid", "SIGMOID"},  {"hswish", "HSWISH"}, {"hsigmoid", "HSIGMOID"},
      {"gelu", "GELU"}, {"gelu_erf", "GELU_ERF"}};
  const std::string_view name = attrs().text("activation", "none");
  for (const auto& [activation, enumerator] : kEnumerators) {
    if (activation == name) return std::string(enumerator);
  }
  fail(fmt::format("activation {} has no C", name));
  return "";
}

std::string CNode::read(size_t input, DType as) {
  if (!has(input)) return "NULL";
  const ValueId id = node_.inputs[input];
  const std::string text = values_.read(id, as);
  if (text.empty()) {
    fail(fmt::format("input {} is {}, C is there for {}", input, name(graph_.value(id).type.dtype),
                     name(as)));
  }
  return text;
}

std::string CNode::write(size_t output, DType as) {
  if (!wants(output)) return "NULL";
  const ValueId id = node_.outputs[output];
  const std::string text = values_.write(id, as);
  if (text.empty()) {
    fail(fmt::format("output {} is {}, C is there for {}", output,
                     name(graph_.value(id).type.dtype), name(as)));
  }
  return text;
}

CWeights CNode::weights(size_t input) {
  const ValueId id = node_.inputs[input];
  if (!values_.has_bytes(id)) return {read(input)};
  const DType dtype = graph_.value(id).type.dtype;
  const CBlocks* blocks = find_c_blocks(dtype);
  if (blocks != nullptr && in(input).back() % blocks->values == 0) {
    return {values_.read_bytes(id), blocks};
  }
  if (!is_quantized(dtype)) return {read(input)};
  fail(fmt::format("{} is {}, blocks of which have no C: quantize it to another type",
                   graph_.value(id).name, name(dtype)));
  return {};
}

void CNode::use_decode(const CBlocks& blocks) {
  if (blocks.decode.find("half(") != std::string_view::npos) {
    use(kHalf);
    use(kHalfBytes);
  }
  if (blocks.decode.find("part_of_k(") != std::string_view::npos) use(kPartOfK);
  use(blocks.decode);
}

void CNode::use_dot(const CBlocks& blocks) {
  use_decode(blocks);
  use(c_block_dot(blocks));
}

void CNode::use_row(const CBlocks& blocks) {
  use_decode(blocks);
  use(c_block_row(blocks));
}

void CNode::fail(std::string reason) {
  if (failure_.empty()) failure_ = std::move(reason);
}

const COp* find_c_op(std::string_view name) {
  for (const COpGroup& group : ops::table()) {
    const auto found = std::ranges::find(group.ops, name, &COp::name);
    if (found != group.ops.end()) return &*found;
  }
  return nullptr;
}

std::string c_float(double value) {
  const auto x = static_cast<float>(value);
  if (std::isnan(x)) return "NAN";
  if (std::isinf(x)) return x > 0 ? "INFINITY" : "-INFINITY";
  std::string text = fmt::format("{:.9g}", x);
  if (text.find_first_of(".e") == std::string::npos) text += ".";
  return text + "f";
}

}  // namespace verge::emit
