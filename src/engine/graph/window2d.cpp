#include <algorithm>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

template <size_t N>
void read(const Attrs& attrs, std::string_view name, int64_t (&values)[N]) {
  const std::vector<int64_t>& list = attrs.list(name);
  std::copy_n(list.begin(), std::min(list.size(), N), values);
}

double bytes_moved(const KernelCall& call) {
  double bytes = 0;
  for (const auto& views : {call.inputs, call.outputs}) {
    for (const TensorView& view : views) {
      if (view.data != nullptr) bytes += static_cast<double>(view.bytes());
    }
  }
  return bytes;
}

}  // namespace

Window2d::Window2d(const Attrs& attrs) : groups(attrs.integer("groups", 1)) {
  read(attrs, "kernel", kernel);
  read(attrs, "strides", strides);
  read(attrs, "pads", pads);
  read(attrs, "dilations", dilations);
}

Window2d::Window2d(const Attrs& attrs, int64_t kernel_height, int64_t kernel_width)
    : Window2d(attrs) {
  kernel[0] = kernel_height;
  kernel[1] = kernel_width;
}

int64_t Window2d::output_extent(int axis, int64_t input) const {
  const int64_t reach = dilations[axis] * (kernel[axis] - 1) + 1;
  const int64_t room = input + pads[axis] + pads[axis + 2] - reach;
  return room < 0 ? 0 : room / strides[axis] + 1;
}

Attrs with_image_extents(const Builder& builder, const Attrs& attrs, ValueId x) {
  const Dims& dims = builder.type(x).dims;
  Attrs extended = attrs;
  extended.set("height", dims[2].factor);
  extended.set("width", dims[3].factor);
  return extended;
}

Status expect_image(const InferContext& context, size_t input, std::string_view argument) {
  VERGE_RETURN_IF_ERROR(expect_rank(context, input, argument, 4));
  const Dims& dims = context.dims(input);
  if (std::all_of(dims.begin() + 1, dims.end(), [](const Dim& dim) { return dim.is_constant(); })) {
    return {};
  }
  return context.fail(
      fmt::format("{} is {}; only the batch may vary", argument, show_dims(context.graph, dims)));
}

Result<Dims> windowed_dims(const InferContext& context, const Dims& x, const Dim& channels,
                           const Window2d& window) {
  for (int axis = 0; axis < 2; ++axis) {
    if (window.strides[axis] < 1 || window.dilations[axis] < 1 || window.kernel[axis] < 1) {
      return context.fail("strides, dilations and kernel must be positive");
    }
    if (window.output_extent(axis, x[static_cast<size_t>(axis) + 2].factor) > 0) continue;
    return context.fail(fmt::format("a window of {}x{} does not fit into x, {}x{} before padding",
                                    window.kernel[0], window.kernel[1], x[2].factor, x[3].factor));
  }
  return Dims{x[0], channels, window.output_extent(0, x[2].factor),
              window.output_extent(1, x[3].factor)};
}

Status infer_pool(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  const Dims& x = context.dims(0);
  VERGE_TRY(const Dims y, windowed_dims(context, x, x[1], Window2d(context.node.attrs)));
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

Status infer_pool_grad(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "dy"));
  const Attrs& attrs = context.node.attrs;
  Dims x = context.dims(0);
  x[2] = attrs.integer("height");
  x[3] = attrs.integer("width");
  VERGE_TRY(const Dims dy, windowed_dims(context, x, x[1], Window2d(attrs)));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 0, "dy", dy));
  context.outputs = {{compute_dtype(context.type(0).dtype), x}};
  return {};
}

std::vector<double> window_counts(const KernelCall& call, const Shape& small, const Shape& large) {
  const Window2d window(call.attrs);
  std::vector<double> counts(static_cast<size_t>(small.count()));
  if (call.attrs.integer("count_include_pad") != 0) {
    std::ranges::fill(counts, static_cast<double>(window.kernel[0] * window.kernel[1]));
  } else {
    for_each_window_element(small, large, window,
                            [&](size_t at, size_t, size_t) { counts[at] += 1; });
  }
  return counts;
}

Status expect_groups(const InferContext& context, const Window2d& window, const Dim& in,
                     const Dim& out) {
  const int64_t groups = window.groups;
  if (groups >= 1 && in.factor % groups == 0 && out.factor % groups == 0) return {};
  return context.fail(fmt::format("{} channels to {} in {} groups", in.factor, out.factor, groups));
}

Status expect_weight(const InferContext& context, const Window2d& window, const Dims& x,
                     const Dims& w) {
  if (window.groups >= 1 && x[1].factor == w[1].factor * window.groups &&
      w[0].factor % window.groups == 0) {
    return {};
  }
  return context.fail(fmt::format("w joins {} to {} channels in {} groups, x has {} channels",
                                  w[1].factor, w[0].factor, window.groups, x[1].factor));
}

Cost pool_cost(const KernelCall& call) {
  const Window2d window(call.attrs);
  const double taps = static_cast<double>(window.kernel[0]) * static_cast<double>(window.kernel[1]);
  return {static_cast<double>(call.out().shape.count()) * taps, bytes_moved(call)};
}

Cost convolution_cost(const KernelCall& call, const Shape& y, const Shape& weight) {
  const double taps = static_cast<double>(weight[1] * weight[2] * weight[3]);
  return {2 * static_cast<double>(y.count()) * taps, bytes_moved(call)};
}

}  // namespace verge::graph
