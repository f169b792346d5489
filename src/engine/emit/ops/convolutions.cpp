// Convolutions and their gradients. A row of the result stays in the cache while all taps are
// added.

#include <cmath>

#include <verge/engine/emit/c_geometry.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kConv2d = R"(
/* What follows a product: the residual is added before the activation or after it. */
struct ending {
  enum activation kind;
  int activate_sum;
  float factor, offset;
};

static void finish(const struct ending *ending, const float *residual, float *y, long count) {
  for (long i = 0; i < count; ++i) {
    const float other = residual == NULL ? 0 : residual[i];
    const float v = ending->activate_sum ? activate(ending->kind, y[i] + other)
                                         : activate(ending->kind, y[i]) + other;
    y[i] = v * ending->factor + ending->offset;
  }
}

/* y = (activation(x * w + bias) + residual) * factor + offset: x [n][in][height][width],
   w [out][in / groups][taps], y and residual [n][out][rows][columns]. */
static void op_conv2d(const float *x, const float *w, const float *bias, const float *residual,
                      float *y, long n, long in, long height, long width, long out, long rows,
                      long columns, const struct window *window, const struct ending *ending) {
  const long inner = in / window->groups, taps = window->height * window->width;
  for (long plane = 0; plane < n * out; ++plane) {
    const long o = plane % out, group = o / (out / window->groups);
    const float *image = x + (plane / out * in + group * inner) * height * width;
    const float *weights = w + o * inner * taps;
    for (long row = 0; row < rows; ++row) {
      float *to = y + (plane * rows + row) * columns;
      for (long i = 0; i < columns; ++i) to[i] = bias == NULL ? 0 : bias[o];
      for (long c = 0; c < inner; ++c) {
        for (long tap = 0; tap < taps; ++tap) {
          const long at_y = row * window->step_y - window->pad_y +
                            tap / window->width * window->dilation_y;
          const long at_x = tap % window->width * window->dilation_x - window->pad_x;
          const float weight = weights[c * taps + tap];
          const float *from = image + c * height * width;
          const long start = at_y * width + at_x, step = window->step_x;
          long first, last;
          if (at_y < 0 || at_y >= height) continue;
          reach(columns, step, at_x, width, &first, &last);
          if (step == 1) {
            for (long i = first; i < last; ++i) to[i] += weight * from[start + i];
          } else {
            for (long i = first; i < last; ++i) to[i] += weight * from[start + i * step];
          }
        }
      }
      finish(ending, residual == NULL ? NULL : residual + (plane * rows + row) * columns, to,
             columns);
    }
  }
}
)";

void conv2d(CNode& node) {
  const Shape x = node.in(0), w = node.in(1), y = node.out();
  const graph::Attrs& attrs = node.attrs();
  const std::string ending = fmt::format(
      "&(const struct ending){{{}, {}, {}, {}}}", node.activation(), attrs.integer("activate_sum"),
      c_float(attrs.real("factor", 1)), c_float(attrs.real("offset", 0)));
  node.call("op_conv2d", node.read(0), node.read(1), node.read(2), node.read(3), node.write(), x[0],
            x[1], x[2], x[3], y[1], y[2], y[3], c_window({attrs, w[2], w[3]}), ending);
}

constexpr std::string_view kScatter = R"(
/* What becomes of dx: `other` is added, and 0 stands where `passed` is not between the two. */
struct gradient_ending {
  const float *other, *passed;
  float low, high;
};

/* Adds each dy [n][out][rows][columns] to the dx [n][in][height][width] that its window reads, by
   w [out][in / groups][taps]. */
static void op_conv2d_scatter(const float *dy, const float *w, const float *bias, float *dx, long n,
                              long out, long rows, long columns, long in, long height, long width,
                              const struct window *window, const struct gradient_ending *ending) {
  const long inner = in / window->groups, taps = window->height * window->width;
  const float *passed = ending->passed;
  for (long i = 0; i < n * in * height * width; ++i) {
    dx[i] = bias == NULL ? 0 : bias[i / (height * width) % in];
  }
  for (long plane = 0; plane < n * out; ++plane) {
    const long o = plane % out, group = o / (out / window->groups);
    float *image = dx + (plane / out * in + group * inner) * height * width;
    for (long c = 0; c < inner; ++c) {
      for (long tap = 0; tap < taps; ++tap) {
        const float weight = w[(o * inner + c) * taps + tap];
        const long at_x = tap % window->width * window->dilation_x - window->pad_x;
        long first, last;
        reach(columns, window->step_x, at_x, width, &first, &last);
        for (long row = 0; row < rows; ++row) {
          const long at_y = row * window->step_y - window->pad_y +
                            tap / window->width * window->dilation_y;
          const float *from = dy + (plane * rows + row) * columns;
          float *to = image + c * height * width;
          if (at_y < 0 || at_y >= height) continue;
          for (long i = first; i < last; ++i) {
            to[at_y * width + at_x + i * window->step_x] += weight * from[i];
          }
        }
      }
    }
  }
  for (long i = 0; i < n * in * height * width; ++i) {
    if (ending->other != NULL) dx[i] += ending->other[i];
    if (passed != NULL && !(passed[i] > ending->low && passed[i] < ending->high)) dx[i] = 0;
  }
}
)";

// Arguments have the names of conv2d_grad_input.
void scatter(CNode& node, const std::string& bias, const std::string& ending) {
  const Shape dy = node.in(0), w = node.in(1), dx = node.out();
  node.call("op_conv2d_scatter", node.read(0), node.read(1), bias, node.write(), dy[0], dy[1],
            dy[2], dy[3], dx[1], dx[2], dx[3], c_window({node.attrs(), w[2], w[3]}),
            "&(const struct gradient_ending){" + ending + "}");
}

void grad_input(CNode& node) {
  scatter(node, "NULL",
          fmt::format("{}, {}, {}, {}", node.read(2), node.read(3),
                      c_float(node.attrs().real("min", -HUGE_VAL)),
                      c_float(node.attrs().real("max", HUGE_VAL))));
}

void transposed(CNode& node) {
  scatter(node, node.read(2), "NULL, NULL, 0, 0");
}

constexpr std::string_view kWeightGradient = R"(
/* dw [out][in / groups][taps]: the sum of dy [n][out][rows][columns] times the x it has met. */
static void op_conv2d_grad_weight(const float *dy, const float *x, float *dw, long n, long out,
                                  long rows, long columns, long in, long height, long width,
                                  const struct window *window) {
  const long inner = in / window->groups, taps = window->height * window->width;
  for (long i = 0; i < out * inner * taps; ++i) {
    const long tap = i % taps, c = i / taps % inner, o = i / taps / inner;
    const long group = o / (out / window->groups), step = window->step_x;
    const long at_x = tap % window->width * window->dilation_x - window->pad_x;
    long first, last;
    double sum = 0;
    reach(columns, step, at_x, width, &first, &last);
    for (long b = 0; b < n; ++b) {
      const float *image = x + (b * in + group * inner + c) * height * width;
      for (long row = 0; row < rows; ++row) {
        const long at_y = row * window->step_y - window->pad_y +
                          tap / window->width * window->dilation_y;
        const float *d = dy + ((b * out + o) * rows + row) * columns;
        float part = 0;
        if (at_y < 0 || at_y >= height) continue;
        for (long j = first; j < last; ++j) {
          part += d[j] * image[at_y * width + at_x + j * step];
        }
        sum += part;
      }
    }
    dw[i] = (float)sum;
  }
}
)";

void grad_weight(CNode& node) {
  const Shape dy = node.in(0), x = node.in(1);
  node.call("op_conv2d_grad_weight", node.read(0), node.read(1), node.write(), dy[0], dy[1], dy[2],
            dy[3], x[1], x[2], x[3], c_window(graph::Window2d(node.attrs())));
}

}  // namespace

COpGroup convolutions() {
  return {{
      {"conv2d",
       {kActivation, kWindow, kReach},
       std::string(kConv2d),
       {"activate_sum", "activation", "dilations", "factor", "groups", "kernel", "offset", "pads",
        "strides"},
       4,
       conv2d},
      {"conv2d_grad_input",
       {kWindow, kReach},
       std::string(kScatter),
       {"activation", "dilations", "groups", "height", "kernel", "max", "min", "pads", "strides",
        "width"},
       4,
       grad_input},
      {"conv_transpose2d",
       {kWindow, kReach},
       std::string(kScatter),
       {"dilations", "groups", "kernel", "output_padding", "pads", "strides"},
       3,
       transposed},
      {"conv2d_grad_weight",
       {kWindow, kReach},
       std::string(kWeightGradient),
       {"activation", "dilations", "groups", "kernel", "output_padding", "pads", "strides"},
       2,
       grad_weight},
  }};
}

}  // namespace verge::emit::ops
