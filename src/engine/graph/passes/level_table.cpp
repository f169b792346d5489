#include <algorithm>
#include <map>
#include <memory>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/passes/level_table.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

constexpr size_t kMostSteps = 32;  // of one function

// Element y depends on the same element of each input only.
bool is_elementwise(const Node& node) {
  constexpr std::string_view kFunctions[] = {
      "add",        "clip",    "div",     "erf",     "exp",  "gelu", "hsigmoid", "hswish",
      "leaky_relu", "log",     "maximum", "minimum", "mul",  "pow",  "relu",     "round",
      "scale",      "sigmoid", "silu",    "softcap", "sqrt", "sub",  "tanh"};
  return !node.inputs.empty() && (node.outputs.size() < 2 || node.outputs[1] == kNone) &&
         std::ranges::count(kFunctions, node.op->name) > 0;
}

class LevelTable {
 public:
  LevelTable(LevelGraph& graph, const Node& quantize) : g_(graph), quantize_(quantize) {}

  bool emit() {
    if (!collect(quantize_.inputs[0]) || root_ == kNone) return false;
    const auto x = g_.levels_of(root_);
    if (!x) return false;
    const ValueId y = quantize_.outputs[0];
    if (steps_.empty() && g_.is_of(*x, LevelTarget(quantize_))) {
      const bool is_moved = g_.producer(root_)->op->name != "dequantize";
      if (is_moved && g_.uses(root_) == 1) return false;  // the move itself gives the levels
      g_.emit("reshape", {x->levels}, y, dims_attrs(g_.dims(y)), quantize_);
      return true;
    }
    const ValueId table = g_.add_constant(y, "table", table_of(*x));
    g_.emit("lookup_int8", {x->levels, table}, y, {}, quantize_);
    return true;
  }

 private:
  // Finds what makes the value, in order, and the value of levels behind all of it.
  bool collect(ValueId id) {
    if (id == kNone || values_.contains(id)) return id != kNone;
    const Node* node = g_.producer(id);
    if (node == nullptr) return take_number(id);
    if (g_.dims(id) != g_.dims(quantize_.outputs[0]) || g_.dtype(id) != DType::F32) return false;
    if (!is_elementwise(*node)) {
      if (root_ == kNone) root_ = id;
      return root_ == id;
    }
    if (steps_.size() + open_ >= kMostSteps) return false;
    ++open_;
    const bool is_made_of_levels =
        std::ranges::all_of(node->inputs, [this](ValueId input) { return collect(input); });
    --open_;
    steps_.push_back(node);
    values_[id] = nullptr;
    return is_made_of_levels;
  }

  bool take_number(ValueId id) {
    const auto view = g_.constant(id);
    if (!view || view->shape.count() != 1 || view->dtype != DType::F32) return false;
    auto number = std::make_unique<Tensor>(DType::F32, Shape{1});
    store(number->view(), load(*view));
    values_[id] = std::move(number);
    return true;
  }

  Tensor table_of(const LevelView& x) {
    const DType from = g_.dtype(x.levels);
    Tensor levels(from, Shape{256});
    std::vector<double> all(256);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<double>(i) + least_level(from);
    store(levels.view(), all);
    auto real = std::make_unique<Tensor>(DType::F32, Shape{256});
    const TensorView in[] = {levels.view()}, out[] = {real->view()};
    find_op("dequantize")->reference({in, out, {{"scale", x.scale}, {"zero_point", x.zero}}});
    values_[root_] = std::move(real);
    for (const Node* step : steps_) values_[step->outputs[0]] = computed(*step, DType::F32);
    return std::move(*computed(quantize_, g_.dtype(quantize_.outputs[0])));
  }

  std::unique_ptr<Tensor> computed(const Node& node, DType to) const {
    std::vector<TensorView> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(values_.at(id)->view());
    auto y = std::make_unique<Tensor>(to, Shape{256});
    const TensorView outputs[] = {y->view()};
    node.op->reference({inputs, outputs, node.attrs});
    return y;
  }

  LevelGraph& g_;
  const Node& quantize_;
  ValueId root_ = kNone;
  size_t open_ = 0;  // nodes whose inputs are being collected
  std::vector<const Node*> steps_;
  std::map<ValueId, std::unique_ptr<Tensor>> values_;  // of 256 elements, or one number
};

}  // namespace

bool emit_level_table(LevelGraph& graph, const Node& quantize) {
  return LevelTable(graph, quantize).emit();
}

}  // namespace verge::graph
