#include <algorithm>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/passes/int8_pixels.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

const Attrs kPixels{{"layout", "nhwc"}};

class PixelLayout {
 public:
  explicit PixelLayout(Graph& graph)
      : graph_(graph),
        readers_(readers_of(graph)),
        old_(std::move(graph.nodes)),
        turned_(graph.values.size(), kNone) {}

  void run() {
    for (const Node& node : old_) {
      if (turns_images(node)) {
        turn(node);
      } else if (is_way_back(node)) {
        Node back = node;
        back.inputs[0] = turned_[static_cast<size_t>(node.inputs[0])];
        back.attrs.set("layout", std::string("nhwc"));
        nodes_.push_back(std::move(back));
      } else {
        nodes_.push_back(node);
      }
    }
    graph_.nodes = std::move(nodes_);
  }

 private:
  const Type& type(ValueId id) const { return graph_.value(id).type; }
  bool is_image(ValueId id) const { return type(id).dims.size() == 4; }
  bool is_turned(ValueId id) const { return turned_[static_cast<size_t>(id)] != kNone; }

  static bool is_window(const Node& node) {
    return node.op->name == "conv2d_int8" || node.op->name == "avg_pool2d_int8";
  }
  bool is_level_pool(const Node& node) const {
    return node.op->name == "max_pool2d" && is_level(type(node.inputs[0]).dtype) &&
           (node.outputs.size() < 2 || node.outputs[1] == kNone);
  }
  bool is_level_sum(const Node& node) const {
    return (node.op->name == "add_int8" || node.op->name == "mul_int8") && is_image(node.inputs[0]);
  }
  bool is_table(const Node& node) const {
    return node.op->name == "lookup_int8" && is_turned(node.inputs[0]);
  }
  // Along one axis of an image.
  bool is_level_choice(const Node& node) const {
    const std::string_view op = node.op->name;
    return (op == "concat" || op == "slice" || op == "gather") && is_image(node.inputs[0]) &&
           is_image(node.outputs[0]) && is_level(type(node.inputs[0]).dtype);
  }
  /// How many inputs, from the first on.
  static int images_of(const Node& node) {
    const std::string_view op = node.op->name;
    return op == "concat"                         ? static_cast<int>(node.inputs.size())
           : op == "add_int8" || op == "mul_int8" ? 2
                                                  : 1;
  }
  bool is_way_back(const Node& node) const {
    return node.op->name == "dequantize" && node.inputs.size() == 1 && is_turned(node.inputs[0]);
  }

  bool turns_images(const Node& node) const {
    if (node.attrs.has("layout")) return false;
    if (is_window(node) || is_level_pool(node) || is_table(node)) return true;
    if (is_level_sum(node) || is_level_choice(node)) {
      return std::any_of(node.inputs.begin(), node.inputs.begin() + images_of(node),
                         [&](ValueId id) { return is_turned(id); });
    }
    if (node.op->name != "quantize" || node.inputs.size() != 1 || !is_image(node.inputs[0])) {
      return false;
    }
    return std::ranges::any_of(readers_[static_cast<size_t>(node.outputs[0])], [&](NodeId id) {
      const Node& reader = old_[static_cast<size_t>(id)];
      return is_window(reader) || is_level_pool(reader) || is_level_sum(reader);
    });
  }

  /// Whether somebody reads the value in its own order.
  bool is_read_as_planes(ValueId id) const {
    if (graph_.value(id).is_output) return true;
    return std::ranges::any_of(readers_[static_cast<size_t>(id)], [&](NodeId reader) {
      const Node& node = old_[static_cast<size_t>(reader)];
      return !turns_images(node) && !is_way_back(node);
    });
  }

  ValueId add_value(ValueId like, Dims dims) {
    Value value;
    value.name = graph_.value(like).name + ".pixels";
    value.type = {type(like).dtype, std::move(dims)};
    graph_.values.push_back(std::move(value));
    turned_.push_back(kNone);
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  ValueId as_pixels(ValueId id, const Node& reader) {
    if (is_turned(id)) return turned_[static_cast<size_t>(id)];
    const ValueId pixels = add_value(id, in_layout(type(id).dims, kPixels));
    add_turn(id, pixels, {0, 2, 3, 1}, reader);
    turned_[static_cast<size_t>(id)] = pixels;
    return pixels;
  }

  // Of a single pixel only the shape is another.
  void add_turn(ValueId from, ValueId to, std::vector<int64_t> perm, const Node& like) {
    const Dims& planes = perm[1] == 2 ? type(from).dims : type(to).dims;
    const bool is_pixel = planes[2] == Dim(1) && planes[3] == Dim(1);
    const Attrs attrs = is_pixel ? dims_attrs(type(to).dims) : Attrs{{"perm", std::move(perm)}};
    nodes_.push_back({find_op(is_pixel ? "reshape" : "transpose"),
                      {from},
                      {to},
                      attrs,
                      like.phase,
                      like.source});
  }

  void turn(const Node& node) {
    Node turned = node;
    const bool is_quantize = node.op->name == "quantize";
    for (int i = 0; i < images_of(node) && !is_quantize; ++i) {
      ValueId& image = turned.inputs[static_cast<size_t>(i)];
      image = as_pixels(image, node);
    }
    if (is_level_choice(node)) {
      constexpr int64_t kPlaces[] = {0, 3, 1, 2};
      const int axis = from_front(node.attrs.integer("axis"), 4);
      turned.attrs.set("axis", kPlaces[axis]);
    } else if (node.op->name != "add_int8" && node.op->name != "lookup_int8") {
      turned.attrs.set("layout", std::string("nhwc"));
    }
    const ValueId y = node.outputs[0];
    const ValueId pixels = add_value(y, in_layout(type(y).dims, kPixels));
    turned.outputs[0] = pixels;
    turned_[static_cast<size_t>(y)] = pixels;
    nodes_.push_back(std::move(turned));
    if (is_read_as_planes(y)) add_turn(pixels, y, {0, 3, 1, 2}, node);
  }

  Graph& graph_;
  const std::vector<std::vector<NodeId>> readers_;
  const std::vector<Node> old_;
  std::vector<Node> nodes_;
  std::vector<ValueId> turned_;  // by value: the same as pixels
};

// A weight that changes cannot be packed, as kernels of pixels want it: kernels of planes read it
// as it lies.
bool learns(const Graph& graph, const Node& node) {
  if (node.op->name != "conv2d_int8") return false;
  const Value& w = graph.value(node.inputs[1]);
  const bool is_fixed =
      w.kind == ValueKind::Const || (w.kind == ValueKind::Param && !w.is_trainable);
  return !is_fixed;
}

}  // namespace

Graph int8_pixels(Graph graph) {
  const auto is_of_levels = [](const Node& node) {
    return node.op->name == "conv2d_int8" || node.op->name == "avg_pool2d_int8";
  };
  if (std::ranges::none_of(graph.nodes, is_of_levels)) return graph;
  for (const Node& node : graph.nodes) {
    if (node.phase != Phase::Forward) return graph;  // gradients read planes
    if (learns(graph, node)) return graph;
  }
  PixelLayout(graph).run();
  return graph;
}

}  // namespace verge::graph
