// Pools over windows and over whole images.

#include <algorithm>
#include <numeric>

#include <verge/engine/onnx/op_group.hpp>
#include <verge/engine/onnx/window.hpp>

namespace verge::onnx::ops {
namespace {

// {ceil_mode}: a last window that is not whole counts, unless it begins in the padding behind.
// Returns how much padding that adds along each axis.
std::array<int64_t, 2> round_up(const Window& window, const Shape& x) {
  std::array<int64_t, 2> added = {0, 0};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t extent = x[static_cast<int>(i) + 2], stride = window.strides[i];
    const int64_t room =
        extent + window.before[i] + window.after[i] - window.reach(static_cast<int>(i));
    if (room < 0 || room % stride == 0) continue;
    const int64_t last = room / stride + 1;  // the window that is not whole
    if (last * stride >= extent + window.before[i]) continue;
    added[i] = stride - room % stride;
  }
  return added;
}

Status pool(NodeContext& node, std::string_view op, bool count_padding) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  if (node.wants_output(1)) return node.unsupported("its indices are read");
  if (node.integer("storage_order") != 0) return node.unsupported("storage_order");
  VERGE_TRY(Window window, read_window(node, node.in(0), {}));
  Value x = as_image(node, node.in(0));
  std::array<int64_t, 2> added = {0, 0};
  if (node.integer("ceil_mode") != 0) added = round_up(window, node.shape(x));
  if (count_padding && (added[0] > 0 || added[1] > 0)) {
    // Padding of the file's own counts, what rounding up adds does not.
    x = node.emit("pad", {x},
                  {{"before", std::vector<int64_t>{0, 0, window.before[0], window.before[1]}},
                   {"after", std::vector<int64_t>{0, 0, window.after[0], window.after[1]}}});
    window.before = window.after = {0, 0};
    count_padding = false;
  }
  for (size_t i = 0; i < 2; ++i) window.after[i] += added[i];
  window.clamp_strides(node.shape(x));
  graph::Attrs attrs = window.attrs();
  attrs.set("kernel", std::vector<int64_t>{window.kernel[0], window.kernel[1]});
  if (count_padding) attrs.set("count_include_pad", int64_t{1});
  node.set_output(0, from_image(node, window, node.emit(op, {x}, std::move(attrs))));
  return {};
}

Status max_pool(NodeContext& node) {
  return pool(node, "max_pool2d", false);
}

Status average_pool(NodeContext& node) {
  return pool(node, "avg_pool2d", node.integer("count_include_pad") != 0);
}

// All spatial axes become 1.
template <const char* op>
Status global_pool(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  std::vector<int64_t> axes(static_cast<size_t>(std::max(0, node.rank(node.in(0)) - 2)));
  std::iota(axes.begin(), axes.end(), 2);
  node.set_output(0, node.emit(op, {node.in(0)}, {{"axes", axes}, {"keep", int64_t{1}}}));
  return {};
}

constexpr char kMax[] = "reduce_max";

Status global_average_pool(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Shape x = node.shape(node.in(0));
  if (x.rank() < 3) return node.malformed(fmt::format("x is {}", x.str()));
  int64_t area = 1;
  for (int i = 2; i < x.rank(); ++i) area *= x[i];
  std::vector<int64_t> y = {x[0], x[1]};
  y.resize(static_cast<size_t>(x.rank()), 1);
  const Value image = x.rank() == 4 ? node.in(0) : node.reshape(node.in(0), {x[0], x[1], 1, area});
  node.set_output(0, node.reshape(node.emit("global_avg_pool", {image}), y));
  return {};
}

constexpr OnnxOp kOps[] = {{"AveragePool", average_pool},
                           {"GlobalAveragePool", global_average_pool},
                           {"GlobalMaxPool", global_pool<kMax>},
                           {"MaxPool", max_pool}};

}  // namespace

OpGroup pools() {
  return {kOps};
}

}  // namespace verge::onnx::ops
