// Functions of one, two or three elements.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx::lowering {
namespace {

using format::onnx::ElementType;

bool is_integer(DType dtype) {
  return dtype == DType::U8 || dtype == DType::I8 || dtype == DType::I32 || dtype == DType::I64;
}

template <const char* op>
Status same_inputs(Lowering& to) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < to.node.inputs.size(); ++i) inputs.push_back(to.in(i));
  to.finish(op, std::move(inputs));
  return {};
}

constexpr char kAdd[] = "Add";
constexpr char kDiv[] = "Div";
constexpr char kErf[] = "Erf";
constexpr char kExp[] = "Exp";
constexpr char kLog[] = "Log";
constexpr char kMul[] = "Mul";
constexpr char kPow[] = "Pow";
constexpr char kSqrt[] = "Sqrt";
constexpr char kSub[] = "Sub";
constexpr char kTanh[] = "Tanh";

// Bytes are truth values: other runtimes have no minimum of them.
template <const char* of_numbers, const char* of_truth>
Status extreme(Lowering& to) {
  if (to.result_type().dtype != DType::U8) {
    to.finish(of_numbers, {to.in(0), to.in(1)});
    return {};
  }
  const std::string both = to.add(
      of_truth, {to.cast(to.in(0), ElementType::Bool), to.cast(to.in(1), ElementType::Bool)});
  to.finish("Cast", {both}, {attribute("to", static_cast<int64_t>(ElementType::Uint8))});
  return {};
}

constexpr char kMin[] = "Min";
constexpr char kMax[] = "Max";
constexpr char kAnd[] = "And";
constexpr char kOr[] = "Or";

Status by_name(Lowering& to) {
  to.finish("Identity", {to.activation(to.node.op->name, to.in(0))});
  return {};
}

Status gelu(Lowering& to) {
  const bool is_exact = to.node.attrs.text("approximate", "tanh") == "none";
  to.finish("Identity", {to.activation(is_exact ? "gelu_erf" : "gelu", to.in(0))});
  return {};
}

Status leaky_relu(Lowering& to) {
  to.finish("LeakyRelu", {to.in(0)}, {attribute("alpha", to.node.attrs.real("slope", 0.01))});
  return {};
}

Status rsqrt(Lowering& to) {
  to.finish("Reciprocal", {to.add("Sqrt", {to.in(0)})});
  return {};
}

Status softcap(Lowering& to) {
  const std::string cap = to.number(to.node.attrs.real("cap", 1));
  to.finish("Mul", {to.add("Tanh", {to.add("Div", {to.in(0), cap})}), cap});
  return {};
}

Status scale(Lowering& to) {
  const std::string product = to.add("Mul", {to.in(0), to.number(to.node.attrs.real("factor", 1))});
  to.finish("Add", {product, to.number(to.node.attrs.real("offset", 0))});
  return {};
}

Status clip(Lowering& to) {
  const double low = to.node.attrs.real("min", -HUGE_VAL);
  const double high = to.node.attrs.real("max", HUGE_VAL);
  to.finish("Clip", {to.in(0), std::isinf(low) ? "" : to.number(low),
                     std::isinf(high) ? "" : to.number(high)});
  return {};
}

Status round(Lowering& to) {
  const std::string_view mode = to.node.attrs.text("mode");
  if (mode == "trunc") {
    const std::string whole = to.cast(to.in(0), ElementType::Int64);
    const auto back = static_cast<int64_t>(element_type(to.result_type().dtype));
    to.finish("Cast", {whole}, {attribute("to", back)});
    return {};
  }
  to.finish(mode == "floor" ? "Floor" : mode == "ceil" ? "Ceil" : "Round", {to.in(0)});
  return {};
}

Status compare(Lowering& to) {
  struct Relation {
    std::string_view op, onnx;
  };
  static constexpr Relation kRelations[] = {{"lt", "Less"},    {"le", "LessOrEqual"},
                                            {"gt", "Greater"}, {"ge", "GreaterOrEqual"},
                                            {"eq", "Equal"},   {"ne", "Equal"}};
  std::string sides[] = {to.in(0), to.in(1)};
  if (is_integer(to.type(0).dtype)) {
    for (std::string& side : sides) side = to.cast(side, ElementType::Int64);
  }
  const std::string_view op = to.node.attrs.text("op");
  std::string holds =
      to.add(std::ranges::find(kRelations, op, &Relation::op)->onnx, {sides[0], sides[1]});
  if (op == "ne") holds = to.add("Not", {holds});
  to.finish("Cast", {holds}, {attribute("to", static_cast<int64_t>(ElementType::Uint8))});
  return {};
}

Status where(Lowering& to) {
  to.finish("Where", {to.cast(to.in(0), ElementType::Bool), to.in(1), to.in(2)});
  return {};
}

// The Graph rounds to the nearest where ONNX cuts.
Status cast(Lowering& to) {
  const DType dtype = to.result_type().dtype;
  const bool rounds = is_integer(dtype) && !is_integer(to.type(0).dtype);
  to.finish("Cast", {rounds ? to.add("Round", {to.in(0)}) : to.in(0)},
            {attribute("to", static_cast<int64_t>(element_type(dtype)))});
  return {};
}

constexpr LoweredOp kOps[] = {
    {"add", same_inputs<kAdd>},
    {"cast", cast},
    {"clip", clip},
    {"compare", compare},
    {"div", same_inputs<kDiv>},
    {"erf", same_inputs<kErf>},
    {"exp", same_inputs<kExp>},
    {"gelu", gelu},
    {"hsigmoid", by_name},
    {"hswish", by_name},
    {"leaky_relu", leaky_relu},
    {"log", same_inputs<kLog>},
    {"maximum", extreme<kMax, kOr>},
    {"minimum", extreme<kMin, kAnd>},
    {"mul", same_inputs<kMul>},
    {"pow", same_inputs<kPow>},
    {"relu", by_name},
    {"round", round},
    {"rsqrt", rsqrt},
    {"scale", scale},
    {"sigmoid", by_name},
    {"silu", by_name},
    {"softcap", softcap},
    {"sqrt", same_inputs<kSqrt>},
    {"sub", same_inputs<kSub>},
    {"tanh", same_inputs<kTanh>},
    {"where", where},
};

}  // namespace

LoweringGroup elementwise() {
  return {kOps};
}

}  // namespace verge::onnx::lowering
