// Operators of two or three tensors, element by element, with NumPy's broadcasting.

#include <verge/engine/emit/c_geometry.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

std::string binary_code(std::string_view name, std::string_view expression) {
  return fmt::format(R"(
static void op_{}(const float *a, const float *b, float *y, const struct walk *walk) {{
  const long step_a = walk->step[0], step_b = walk->step[1];
  for (long i = 0; i < walk->outer; ++i, y += walk->inner) {{
    const float *p = a + offset_of(walk, 0, i), *q = b + offset_of(walk, 1, i);
    for (long j = 0; j < walk->inner; ++j) {{
      const float u = p[j * step_a], v = q[j * step_b];
      y[j] = {};
    }}
  }}
}}
)",
                     name, expression);
}

// A walk over the output's axes.
std::string walk_of(const CNode& node, std::initializer_list<size_t> inputs) {
  const Shape to = node.out();
  std::vector<std::vector<int64_t>> strides;
  for (const size_t i : inputs) strides.push_back(broadcast_strides(node.in(i), to));
  return c_walk({to.extents().begin(), to.extents().end()}, std::move(strides));
}

COp binary_op(std::string_view name, std::string_view expression) {
  return {
      name, {kWalk}, binary_code(name, expression), {}, 2, [](CNode& node) {
        node.call(node.function(), node.read(0), node.read(1), node.write(), walk_of(node, {0, 1}));
      }};
}

constexpr std::string_view kCompare = R"(
enum relation { LT, LE, GT, GE, EQ, NE };

static void op_compare(const float *a, const float *b, uint8_t *y, const struct walk *walk,
                       enum relation relation) {
  for (long i = 0; i < walk->outer; ++i, y += walk->inner) {
    const float *p = a + offset_of(walk, 0, i), *q = b + offset_of(walk, 1, i);
    for (long j = 0; j < walk->inner; ++j) {
      const float u = p[j * walk->step[0]], v = q[j * walk->step[1]];
      y[j] = (uint8_t)(relation == LT   ? u < v
                       : relation == LE ? u <= v
                       : relation == GT ? u > v
                       : relation == GE ? u >= v
                       : relation == EQ ? u == v
                                        : u != v);
    }
  }
}
)";

void compare(CNode& node) {
  std::string relation(node.attrs().text("op"));
  for (char& c : relation) c = static_cast<char>(c - 'a' + 'A');
  node.call("op_compare", node.read(0), node.read(1), node.write(0, DType::U8),
            walk_of(node, {0, 1}), relation);
}

constexpr std::string_view kWhere = R"(
static void op_where(const uint8_t *c, const float *a, const float *b, float *y,
                     const struct walk *walk) {
  for (long i = 0; i < walk->outer; ++i, y += walk->inner) {
    const uint8_t *o = c + offset_of(walk, 0, i);
    const float *p = a + offset_of(walk, 1, i), *q = b + offset_of(walk, 2, i);
    for (long j = 0; j < walk->inner; ++j) {
      y[j] = o[j * walk->step[0]] ? p[j * walk->step[1]] : q[j * walk->step[2]];
    }
  }
}
)";

}  // namespace

COpGroup binary() {
  return {{
      binary_op("add", "u + v"),
      binary_op("sub", "u - v"),
      binary_op("mul", "u * v"),
      binary_op("div", "u / v"),
      binary_op("pow", "powf(u, v)"),
      binary_op("maximum", "u > v || u != u ? u : v"),
      binary_op("minimum", "u < v || u != u ? u : v"),
      binary_op("swiglu", "u / (1 + expf(-u)) * v"),
      binary_op("geglu", "0.5f * u * (1 + tanhf(0.797884561f * (u + 0.044715f * u * u * u))) * v"),
      {"compare", {kWalk}, std::string(kCompare), {"op"}, 2, compare},
      {"where",
       {kWalk},
       std::string(kWhere),
       {},
       3,
       [](CNode& node) {
         node.call("op_where", node.read(0, DType::U8), node.read(1), node.read(2), node.write(),
                   walk_of(node, {0, 1, 2}));
       }},
  }};
}

}  // namespace verge::emit::ops
