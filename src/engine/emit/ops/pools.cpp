// Pools, their gradients, and enlarging images.

#include <verge/engine/emit/c_geometry.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kMaxPool = R"(
/* The largest of each window of planes [height][width], and which of its taps that was. */
static void op_max_pool2d(const float *x, float *y, uint8_t *index, long planes, long height,
                          long width, long rows, long columns, const struct window *window) {
  for (long i = 0; i < planes * rows * columns; ++i) {
    const float *image = x + i / (rows * columns) * height * width;
    const long top = i / columns % rows * window->step_y - window->pad_y;
    const long left = i % columns * window->step_x - window->pad_x;
    float best = -INFINITY;
    long winner = 0;
    for (long tap = 0; tap < window->height * window->width; ++tap) {
      const long at_y = top + tap / window->width * window->dilation_y;
      const long at_x = left + tap % window->width * window->dilation_x;
      if (at_y < 0 || at_y >= height || at_x < 0 || at_x >= width) continue;
      if (image[at_y * width + at_x] > best) {
        best = image[at_y * width + at_x];
        winner = tap;
      }
    }
    if (y != NULL) y[i] = best;
    if (index != NULL) index[i] = (uint8_t)winner;
  }
}
)";

void max_pool2d(CNode& node) {
  const Shape x = node.in(0), y = node.out();
  node.call("op_max_pool2d", node.read(0), node.write(), node.write(1, DType::U8), x[0] * x[1],
            x[2], x[3], y[2], y[3], c_window(graph::Window2d(node.attrs())));
}

constexpr std::string_view kMaxPoolGrad = R"(
static void op_max_pool2d_grad(const float *dy, const uint8_t *index, float *dx, long planes,
                               long height, long width, long rows, long columns,
                               const struct window *window) {
  for (long i = 0; i < planes * height * width; ++i) dx[i] = 0;
  for (long i = 0; i < planes * rows * columns; ++i) {
    float *image = dx + i / (rows * columns) * height * width;
    const long at_y = i / columns % rows * window->step_y - window->pad_y +
                      index[i] / window->width * window->dilation_y;
    const long at_x = i % columns * window->step_x - window->pad_x +
                      index[i] % window->width * window->dilation_x;
    if (at_y >= 0 && at_y < height && at_x >= 0 && at_x < width) image[at_y * width + at_x] += dy[i];
  }
}
)";

void max_pool2d_grad(CNode& node) {
  const Shape dy = node.in(0), dx = node.out();
  node.call("op_max_pool2d_grad", node.read(0), node.read(1, DType::U8), node.write(),
            dx[0] * dx[1], dx[2], dx[3], dy[2], dy[3], c_window(graph::Window2d(node.attrs())));
}

constexpr std::string_view kAvgPool = R"(
/* The taps of window i that lie inside of the image, or all of them. */
static long taps_inside(long i, long height, long width, long rows, long columns,
                        const struct window *window, int counts_pads) {
  const long top = i / columns % rows * window->step_y - window->pad_y;
  const long left = i % columns * window->step_x - window->pad_x;
  long count = 0;
  if (counts_pads) return window->height * window->width;
  for (long tap = 0; tap < window->height * window->width; ++tap) {
    const long at_y = top + tap / window->width * window->dilation_y;
    const long at_x = left + tap % window->width * window->dilation_x;
    count += at_y >= 0 && at_y < height && at_x >= 0 && at_x < width;
  }
  return count;
}
)";

constexpr std::string_view kAvgPoolForward = R"(
static void op_avg_pool2d(const float *x, float *y, long planes, long height, long width, long rows,
                          long columns, const struct window *window, int counts_pads) {
  for (long i = 0; i < planes * rows * columns; ++i) {
    const float *image = x + i / (rows * columns) * height * width;
    const long top = i / columns % rows * window->step_y - window->pad_y;
    const long left = i % columns * window->step_x - window->pad_x;
    const long count = taps_inside(i, height, width, rows, columns, window, counts_pads);
    float sum = 0;
    for (long tap = 0; tap < window->height * window->width; ++tap) {
      const long at_y = top + tap / window->width * window->dilation_y;
      const long at_x = left + tap % window->width * window->dilation_x;
      if (at_y >= 0 && at_y < height && at_x >= 0 && at_x < width) sum += image[at_y * width + at_x];
    }
    y[i] = count > 0 ? sum / (float)count : 0;
  }
}
)";

constexpr std::string_view kAvgPoolGrad = R"(
static void op_avg_pool2d_grad(const float *dy, float *dx, long planes, long height, long width,
                               long rows, long columns, const struct window *window,
                               int counts_pads) {
  for (long i = 0; i < planes * height * width; ++i) dx[i] = 0;
  for (long i = 0; i < planes * rows * columns; ++i) {
    float *image = dx + i / (rows * columns) * height * width;
    const long top = i / columns % rows * window->step_y - window->pad_y;
    const long left = i % columns * window->step_x - window->pad_x;
    const long count = taps_inside(i, height, width, rows, columns, window, counts_pads);
    for (long tap = 0; tap < window->height * window->width; ++tap) {
      const long at_y = top + tap / window->width * window->dilation_y;
      const long at_x = left + tap % window->width * window->dilation_x;
      if (at_y >= 0 && at_y < height && at_x >= 0 && at_x < width) {
        image[at_y * width + at_x] += dy[i] / (float)count;
      }
    }
  }
}
)";

void avg_pool(CNode& node, const char* function, const Shape& large, const Shape& small) {
  node.call(function, node.read(0), node.write(), large[0] * large[1], large[2], large[3], small[2],
            small[3], c_window(graph::Window2d(node.attrs())),
            node.attrs().integer("count_include_pad") != 0 ? 1 : 0);
}

constexpr std::string_view kGlobalPool = R"(
static void op_global_avg_pool(const float *x, float *y, long planes, long area) {
  for (long plane = 0; plane < planes; ++plane) {
    double sum = 0;
    for (long i = 0; i < area; ++i) sum += x[plane * area + i];
    y[plane] = (float)(sum / (double)area);
  }
}
)";

constexpr std::string_view kGlobalPoolGrad = R"(
static void op_global_avg_pool_grad(const float *dy, float *dx, long planes, long area) {
  for (long i = 0; i < planes * area; ++i) dx[i] = dy[i / area] / (float)area;
}
)";

constexpr std::string_view kUpsample = R"(
static void op_upsample_nearest(const float *x, float *y, long planes, long height, long width,
                                long factor) {
  const long rows = height * factor, columns = width * factor;
  for (long i = 0; i < planes * rows; ++i) {
    const float *from = x + (i / rows * height + i % rows / factor) * width;
    for (long j = 0; j < columns; ++j) y[i * columns + j] = from[j / factor];
  }
}
)";

}  // namespace

COpGroup pools() {
  const std::vector<std::string_view> window = {
      "dilations", "groups", "kernel", "pads", "strides", "count_include_pad", "height", "width"};
  return {{
      {"max_pool2d", {kWindow}, std::string(kMaxPool), window, 1, max_pool2d},
      {"max_pool2d_grad", {kWindow}, std::string(kMaxPoolGrad), window, 2, max_pool2d_grad},
      {"avg_pool2d",
       {kWindow, kAvgPool},
       std::string(kAvgPoolForward),
       window,
       1,
       [](CNode& node) { avg_pool(node, "op_avg_pool2d", node.in(0), node.out()); }},
      {"avg_pool2d_grad",
       {kWindow, kAvgPool},
       std::string(kAvgPoolGrad),
       window,
       1,
       [](CNode& node) { avg_pool(node, "op_avg_pool2d_grad", node.out(), node.in(0)); }},
      {"global_avg_pool",
       {},
       std::string(kGlobalPool),
       {},
       1,
       [](CNode& node) {
         const Shape x = node.in(0);
         node.call("op_global_avg_pool", node.read(0), node.write(), x[0] * x[1], x[2] * x[3]);
       }},
      {"global_avg_pool_grad",
       {},
       std::string(kGlobalPoolGrad),
       {"height", "width"},
       1,
       [](CNode& node) {
         const Shape x = node.out();
         node.call("op_global_avg_pool_grad", node.read(0), node.write(), x[0] * x[1], x[2] * x[3]);
       }},
      {"upsample_nearest",
       {},
       std::string(kUpsample),
       {"factor"},
       1,
       [](CNode& node) {
         const Shape x = node.in(0);
         node.call("op_upsample_nearest", node.read(0), node.write(), x[0] * x[1], x[2], x[3],
                   node.attrs().integer("factor", 2));
       }},
  }};
}

}  // namespace verge::emit::ops
