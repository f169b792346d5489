// Sums, means and maxima along axes.

#include <verge/engine/emit/c_geometry.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kSum = R"(
/* Each y is the sum, times a factor, of the elements that `over` walks from where `kept` is. */
static void op_reduce_sum(const float *x, float *y, const struct walk *kept,
                          const struct walk *over, float factor) {
  for (long k = 0; k < kept->outer * kept->inner; ++k) {
    const float *from = x + offset_of(kept, 0, k / kept->inner) + k % kept->inner * kept->step[0];
    double sum = 0;
    for (long i = 0; i < over->outer; ++i) {
      const float *p = from + offset_of(over, 0, i);
      for (long j = 0; j < over->inner; ++j) sum += p[j * over->step[0]];
    }
    y[k] = (float)(sum * factor);
  }
}
)";

constexpr std::string_view kMax = R"(
static void op_reduce_max(const float *x, float *y, const struct walk *kept,
                          const struct walk *over) {
  for (long k = 0; k < kept->outer * kept->inner; ++k) {
    const float *from = x + offset_of(kept, 0, k / kept->inner) + k % kept->inner * kept->step[0];
    float best = -INFINITY;
    for (long i = 0; i < over->outer; ++i) {
      const float *p = from + offset_of(over, 0, i);
      for (long j = 0; j < over->inner; ++j) {
        const float value = p[j * over->step[0]];
        if (value > best || value != value) best = value;
        if (best != best) break;  /* what is no number is the extreme */
      }
      if (best != best) break;
    }
    y[k] = best;
  }
}
)";

struct Axes {
  std::string kept, over;
  int64_t reduced = 1;  // elements of one sum
};

Axes axes_of(const Shape& x, const std::vector<int64_t>& axes) {
  const std::vector<int64_t> strides = row_major(x);
  std::vector<bool> reduced(strides.size());
  for (const int64_t axis : axes) {
    reduced[static_cast<size_t>(graph::from_front(axis, strides.size()))] = true;
  }
  std::vector<int64_t> dims[2], steps[2];
  Axes result;
  for (size_t i = 0; i < strides.size(); ++i) {
    const int64_t extent = x[static_cast<int>(i)];
    dims[reduced[i] ? 1 : 0].push_back(extent);
    steps[reduced[i] ? 1 : 0].push_back(strides[i]);
    if (reduced[i]) result.reduced *= extent;
  }
  result.kept = c_walk(dims[0], {steps[0]});
  result.over = c_walk(dims[1], {steps[1]});
  return result;
}

void sum(CNode& node, bool is_mean) {
  const Axes axes = axes_of(node.in(0), node.attrs().list("axes"));
  node.call("op_reduce_sum", node.read(0), node.write(), axes.kept, axes.over,
            c_float(is_mean ? 1.0 / static_cast<double>(axes.reduced) : 1.0));
}

void maximum(CNode& node) {
  const Axes axes = axes_of(node.in(0), node.attrs().list("axes"));
  node.call("op_reduce_max", node.read(0), node.write(), axes.kept, axes.over);
}

void sum_rows(CNode& node) {
  const Shape x = node.in(0);
  const Axes axes = axes_of({x.rows(), x.back()}, {0});
  node.call("op_reduce_sum", node.read(0), node.write(), axes.kept, axes.over, c_float(1));
}

}  // namespace

COpGroup reductions() {
  return {{
      {"reduce_sum",
       {kWalk},
       std::string(kSum),
       {"axes", "keep"},
       1,
       [](CNode& node) { sum(node, false); }},
      {"reduce_mean",
       {kWalk},
       std::string(kSum),
       {"axes", "keep"},
       1,
       [](CNode& node) { sum(node, true); }},
      {"reduce_max", {kWalk}, std::string(kMax), {"axes", "keep"}, 1, maximum},
      {"sum_rows", {kWalk}, std::string(kSum), {}, 1, sum_rows},
  }};
}

}  // namespace verge::emit::ops
