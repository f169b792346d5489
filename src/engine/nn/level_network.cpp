#include <cmath>
#include <cstring>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/nn/level_chains.hpp>
#include <verge/engine/nn/level_network.hpp>
#include <verge/engine/nn/level_ranges.hpp>
#include <verge/engine/nn/level_weights.hpp>

namespace verge::nn {
namespace {

using graph::Attrs;
using graph::Builder;
using graph::Dims;
using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

class Converter {
 public:
  Converter(const Graph& graph, const std::string& images, const WeightValues& values,
            const ValueRanges& ranges)
      : graph_(graph),
        images_(images),
        values_(values),
        ranges_(ranges),
        chains_(graph),
        b_(graph.name + " int8"),
        id_(graph.values.size(), kNone),
        form_(graph.values.size()) {}

  Result<LevelNetwork> run(ValueId result) {
    VERGE_RETURN_IF_ERROR(expect_ranges(graph_, images_, ranges_));
    is_needed_ = needed_for(graph_, result);
    net_.input = form_of(graph_.find(images_));
    for (size_t id = 0; id < graph_.values.size(); ++id) declare(static_cast<ValueId>(id));
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      const auto output = static_cast<size_t>(node.outputs[0]);
      if (!is_needed_[output] || id_[output] != kNone) continue;  // part of a chain
      b_.source(node.source);
      VERGE_RETURN_IF_ERROR(visit(node));
    }
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      const Value& value = graph_.values[id];
      if (value.is_output && is_needed_[id] && id_[id] != kNone) b_.output(id_[id], value.name);
    }
    net_.result = id_[static_cast<size_t>(result)];
    VERGE_TRY(net_.graph, b_.finish());
    return std::move(net_);
  }

 private:
  // Inputs as they are, but for the images. Params when they are read.
  void declare(ValueId id) {
    const Value& value = graph_.value(id);
    ValueId& now = id_[static_cast<size_t>(id)];
    if (!is_needed_[static_cast<size_t>(id)]) return;
    if (value.kind == ValueKind::Input && value.name == images_) {
      now = b_.input(value.name, {DType::I8, value.type.dims});
      form_[static_cast<size_t>(id)] = net_.input;
    } else if (value.kind == ValueKind::Input) {
      now = b_.input(value.name, value.type);
    } else if (value.kind == ValueKind::Const) {
      Tensor data(value.type.dtype, value.data->shape());
      std::memcpy(data.view().data, value.data->view().data,
                  static_cast<size_t>(data.view().bytes()));
      now = b_.constant(value.name, std::move(data));
    }
  }

  bool has_levels(ValueId id) const {
    const ValueId now = id_[static_cast<size_t>(id)];
    return now != kNone && b_.type(now).dtype == DType::I8;
  }

  LevelForm form_of(ValueId id) const { return level_form(ranges_.at(graph_.value(id).name)); }

  Status visit(const Node& node) {
    const bool reads_levels = node.inputs[0] != kNone && has_levels(node.inputs[0]);
    if (b_.failed() || !reads_levels) return copy(node);
    if (is_op(node, "conv2d")) return convolution(node);
    if (is_op(node, "add") && has_levels(node.inputs[1])) return sum(node);
    if (is_op(node, "global_avg_pool")) return mean(node, true);
    if (is_op(node, "avg_pool2d")) return mean(node, false);
    if (is_op(node, "linear")) return head(node);
    if (is_op(node, "max_pool2d") || is_op(node, "reshape")) return same(node);
    return make_error(Code::Unsupported,
                      "{} ({}): has no form on 8-bit levels; train this network in f32, without "
                      "--int8",
                      node.op->name, node.source);
  }

  // What stands behind the classifier.
  Status copy(const Node& node) {
    std::vector<ValueId> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id == kNone ? kNone : real(id));
    const auto outputs = b_.op_all(node.op->name, inputs, node.attrs);
    for (size_t i = 0; i < outputs.size() && i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNone) id_[static_cast<size_t>(node.outputs[i])] = outputs[i];
    }
    return {};
  }

  // A value in f32, where it is no level yet.
  ValueId real(ValueId id) {
    ValueId& now = id_[static_cast<size_t>(id)];
    if (now == kNone && graph_.value(id).kind == ValueKind::Param) {
      const Value& value = graph_.value(id);
      now = b_.param(value.name, value.type);
      Tensor tensor(DType::F32, graph_.bound_shape(value.type));
      std::ranges::copy(values_(value.name), tensor.span<float>().begin());
      net_.weights.emplace(value.name, std::move(tensor));
    }
    return now;
  }

  void set(ValueId id, ValueId now, const LevelForm& form) {
    id_[static_cast<size_t>(id)] = now;
    form_[static_cast<size_t>(id)] = form;
  }

  // The results of a chain's inner nodes are its own.
  void finish(const Node& node, const LevelChain& chain, ValueId now, const LevelForm& form) {
    set(node.outputs[0], now, form);
    if (chain.norm != nullptr) set(chain.norm->outputs[0], now, form);
    set(chain.result, now, form);
  }

  static void set_range(Attrs& attrs, const LevelChain& chain, const LevelForm& form) {
    attrs.set("y_zero", int64_t{form.zero});
    if (chain.activation == nullptr) return;
    const bool is_relu = is_op(*chain.activation, "relu");
    const double low = is_relu ? 0 : chain.activation->attrs.real("min", -HUGE_VAL);
    const double high = is_relu ? HUGE_VAL : chain.activation->attrs.real("max", HUGE_VAL);
    attrs.set("low", int64_t{nearest_level(low, form)});
    attrs.set("high", int64_t{nearest_level(high, form)});
  }

  Status convolution(const Node& node) {
    if (node.inputs.size() > 3 || node.attrs.text("activation", "none") != "none") {
      return make_error(Code::Unsupported, "conv2d ({}): fused already; give it plain",
                        node.source);
    }
    const LevelChain chain = chains_.from(node);
    const LevelForm x = form_[static_cast<size_t>(node.inputs[0])], y = form_of(chain.result);
    Attrs attrs;
    for (const char* name : {"strides", "pads", "dilations"}) {
      if (node.attrs.has(name)) attrs.set(name, node.attrs.list(name));
    }
    attrs.set("groups", node.attrs.integer("groups", 1));
    attrs.set("x_zero", int64_t{x.zero});
    set_range(attrs, chain, y);
    std::vector<ValueId> inputs = {id_[static_cast<size_t>(node.inputs[0])]};
    VERGE_TRY(const auto tensors, weights(node, chain, x, y));
    inputs.insert(inputs.end(), tensors.begin(), tensors.end());
    finish(node, chain, b_.op("conv2d_int8", inputs, attrs), y);
    return {};
  }

  // weight i8, bias i32 and multiplier f32.
  Result<std::vector<ValueId>> weights(const Node& node, const LevelChain& chain,
                                       const LevelForm& x, const LevelForm& y) {
    const Value& weight = graph_.value(node.inputs[1]);
    VERGE_TRY(LayerLevels layer, layer_levels(graph_, values_, node, chain.norm, x, y));
    const Dims channels = {weight.type.dims[0]};
    const std::string of_multiplier = weight.name + ".multiplier";
    for (const std::string& name : {weight.name, layer.bias_name}) {
      if (!net_.weights.contains(name)) continue;
      return make_error(Code::Unsupported,
                        "conv2d ({}): shares {} with another layer, whose levels are worth "
                        "something else; train this network in f32, without --int8",
                        node.source, name);
    }
    const std::vector<ValueId> ids = {b_.param(weight.name, {DType::I8, weight.type.dims}),
                                      b_.param(layer.bias_name, {DType::I32, channels}),
                                      b_.param(of_multiplier, {DType::F32, channels})};
    net_.scales[ids[0]] = {ids[2], double{y.scale} / double{x.scale}};
    net_.scales[ids[1]] = {ids[2], double{y.scale}};
    net_.weight_scales[weight.name] = std::move(layer.scales);
    net_.weights.emplace(weight.name, std::move(layer.weight));
    net_.weights.emplace(layer.bias_name, std::move(layer.bias));
    net_.weights.emplace(of_multiplier, std::move(layer.multiplier));
    return ids;
  }

  Status sum(const Node& node) {
    const LevelChain chain = chains_.from(node);
    const LevelForm a = form_[static_cast<size_t>(node.inputs[0])],
                    b = form_[static_cast<size_t>(node.inputs[1])], y = form_of(chain.result);
    Attrs attrs{{"a_zero", int64_t{a.zero}},
                {"b_zero", int64_t{b.zero}},
                {"a_multiplier", double{a.scale} / double{y.scale}},
                {"b_multiplier", double{b.scale} / double{y.scale}}};
    set_range(attrs, chain, y);
    finish(
        node, chain,
        b_.op("add_int8",
              {id_[static_cast<size_t>(node.inputs[0])], id_[static_cast<size_t>(node.inputs[1])]},
              attrs),
        y);
    return {};
  }

  Status mean(const Node& node, bool is_global) {
    const LevelForm form = form_[static_cast<size_t>(node.inputs[0])];
    const Dims& x = graph_.value(node.inputs[0]).type.dims;
    Attrs attrs =
        is_global ? Attrs{{"kernel", std::vector<int64_t>{x[2].factor, x[3].factor}}} : node.attrs;
    attrs.set("multiplier", 1.0);
    attrs.set("x_zero", int64_t{form.zero});
    attrs.set("y_zero", int64_t{form.zero});
    ValueId y = b_.op("avg_pool2d_int8", {id_[static_cast<size_t>(node.inputs[0])]}, attrs);
    if (is_global) {
      y = b_.op("reshape", {y}, graph::dims_attrs(graph_.value(node.outputs[0]).type.dims));
    }
    set(node.outputs[0], y, form);
    return {};
  }

  Status same(const Node& node) {
    set(node.outputs[0],
        b_.op(node.op->name, {id_[static_cast<size_t>(node.inputs[0])]}, node.attrs),
        form_[static_cast<size_t>(node.inputs[0])]);
    return {};
  }

  Status head(const Node& node) {
    const LevelForm form = form_[static_cast<size_t>(node.inputs[0])];
    std::vector<ValueId> inputs = {
        b_.op("dequantize", {id_[static_cast<size_t>(node.inputs[0])]},
              {{"scale", double{form.scale}}, {"zero_point", int64_t{form.zero}}})};
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      inputs.push_back(node.inputs[i] == kNone ? kNone : real(node.inputs[i]));
    }
    id_[static_cast<size_t>(node.outputs[0])] = b_.op("linear", inputs, node.attrs);
    return {};
  }

  const Graph& graph_;
  const std::string& images_;
  const WeightValues& values_;
  const ValueRanges& ranges_;
  LevelChains chains_;
  Builder b_;
  std::vector<bool> is_needed_;  // by f32 value
  std::vector<ValueId> id_;      // by f32 value
  std::vector<LevelForm> form_;  // of those that are levels
  LevelNetwork net_;
};

}  // namespace

Result<LevelNetwork> to_levels(const Graph& graph, ValueId result, const std::string& images,
                               const WeightValues& values, const ValueRanges& ranges) {
  return Converter(graph, images, values, ranges).run(result);
}

}  // namespace verge::nn
