// LSTM and GRU, unrolled: the products with the inputs of all steps at once, those with the state
// step by step. Hochreiter & Schmidhuber 1997; Cho et al. 2014.

#include <algorithm>
#include <array>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

constexpr int64_t kMostSteps = 4096;

// The extents of a call; `gates` rows of weights for each element of the state.
struct Recurrence {
  int64_t steps, batch, hidden, gates, directions;
};

struct Run {
  std::vector<Value> states;  // [batch, hidden], in the order of the steps
  Value last_cell;            // of an LSTM
};

Status expect_plain(NodeContext& node, const std::vector<std::string>& activations) {
  const auto* given = node.node().find("activations");
  if (given != nullptr && !given->texts.empty()) {
    for (size_t i = 0; i < given->texts.size(); ++i) {
      if (given->texts[i] == activations[i % activations.size()]) continue;
      return node.unsupported(fmt::format("activations [{}]", fmt::join(given->texts, ", ")));
    }
  }
  if (node.has("clip") || node.integer("input_forget") != 0)
    return node.unsupported("clip or input_forget");
  if (node.integer("layout") != 0) return node.unsupported("layout 1");
  if (node.has_input(7)) return node.unsupported("peepholes");
  return {};
}

Result<Recurrence> read_extents(NodeContext& node, int64_t gates) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(3));
  const Shape x = node.shape(node.in(0)), w = node.shape(node.in(1)), r = node.shape(node.in(2));
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    return node.malformed("its inputs are not of three axes");
  const Recurrence call{x[0], x[1], r[2], gates, w[0]};
  const std::string direction = node.text("direction", "forward");
  const int64_t wanted = direction == "bidirectional" ? 2 : 1;
  if (direction != "forward" && direction != "reverse" && wanted == 1) {
    return node.malformed(fmt::format("direction is \"{}\"", direction));
  }
  const int64_t rows = gates * call.hidden;
  if (call.directions != wanted || w != Shape{wanted, rows, x[2]} ||
      r != Shape{wanted, rows, call.hidden}) {
    return node.malformed(fmt::format("x is {}, W {}, R {}", x.str(), w.str(), r.str()));
  }
  if (call.steps < 1 || call.steps > kMostSteps)
    return node.unsupported(fmt::format("{} steps", call.steps));
  const Shape bias{wanted, 2 * rows}, state{wanted, call.batch, call.hidden};
  for (const auto& [input, shape] :
       {std::pair(3, bias), std::pair(5, state), std::pair(6, state)}) {
    const auto i = static_cast<size_t>(input);
    if (!node.has_input(i) || node.shape(node.in(i)) == shape) continue;
    return node.malformed(fmt::format("input {} is {}", i, node.shape(node.in(i)).str()));
  }
  if (node.has_input(4)) {
    VERGE_TRY(const auto lengths, node.known_integers(4));
    if (std::ranges::any_of(lengths, [&](int64_t n) { return n != call.steps; })) {
      return node.unsupported("sequences of different lengths");
    }
  }
  return call;
}

// Row `direction` of an input [directions, ...] without its first axis.
Value of_direction(NodeContext& node, Value x, int64_t direction) {
  if (node.failed() || !x) return {};
  const Value row = node.slice(x, 0, direction, 1);
  if (node.failed()) return {};
  const Shape shape = node.shape(row);
  return node.reshape(row, {shape.extents().begin() + 1, shape.extents().end()});
}

Value initial_state(NodeContext& node, size_t input, const Recurrence& call, int64_t direction) {
  if (node.has_input(input)) return of_direction(node, node.in(input), direction);
  if (node.failed()) return {};
  return node.broadcast(node.scalar(0, node.in(0).type), Shape{call.batch, call.hidden});
}

// The bias of the input and that of the state, each [gates * hidden].
std::array<Value, 2> read_bias(NodeContext& node, const Recurrence& call, int64_t direction) {
  const int64_t rows = call.gates * call.hidden;
  if (!node.has_input(3)) return {};
  const Value both = of_direction(node, node.in(3), direction);
  if (node.failed()) return {};
  return {node.slice(both, 0, 0, rows), node.slice(both, 0, rows, rows)};
}

Value at_step(NodeContext& node, Value x, const Recurrence& call, int64_t step) {
  if (node.failed() || !x) return {};
  const Value row = node.slice(x, 0, step, 1);
  return node.reshape(row, {call.batch, call.gates * call.hidden});
}

Value gate(NodeContext& node, Value gates, const Recurrence& call, int64_t index) {
  if (node.failed() || !gates) return {};
  return node.slice(gates, 1, index * call.hidden, call.hidden);
}

int64_t step_at(int64_t i, const Recurrence& call, bool backwards) {
  return backwards ? call.steps - 1 - i : i;
}

// c = f c + i g, h = o tanh(c); ONNX keeps the gates in the order i, o, f, g.
Result<Run> run_lstm(NodeContext& node, const Recurrence& call, int64_t direction, bool backwards) {
  const auto [input_bias, state_bias] = read_bias(node, call, direction);
  const Value bias = input_bias ? node.emit("add", {input_bias, state_bias}) : Value{};
  const Value w = of_direction(node, node.in(1), direction);
  const Value r = of_direction(node, node.in(2), direction);
  const Value from_inputs = node.emit("linear", {node.in(0), w, bias});
  Value h = initial_state(node, 5, call, direction), c = initial_state(node, 6, call, direction);
  Run run;
  for (int64_t i = 0; i < call.steps && !node.failed(); ++i) {
    const Value x = at_step(node, from_inputs, call, step_at(i, call, backwards));
    const Value gates = node.emit("linear", {h, r, {}, x});
    const Value in = node.emit("sigmoid", {gate(node, gates, call, 0)});
    const Value out = node.emit("sigmoid", {gate(node, gates, call, 1)});
    const Value forget = node.emit("sigmoid", {gate(node, gates, call, 2)});
    const Value news = node.emit("tanh", {gate(node, gates, call, 3)});
    c = node.emit("add", {node.emit("mul", {forget, c}), node.emit("mul", {in, news})});
    h = node.emit("mul", {out, node.emit("tanh", {c})});
    run.states.push_back(h);
  }
  run.last_cell = c;
  return run;
}

// h = (1 - z) g + z h; ONNX keeps the gates in the order z, r, g.
Result<Run> run_gru(NodeContext& node, const Recurrence& call, int64_t direction, bool backwards) {
  const bool before = node.integer("linear_before_reset") != 0;
  const auto [input_bias, state_bias] = read_bias(node, call, direction);
  const Value w = of_direction(node, node.in(1), direction);
  const Value r = of_direction(node, node.in(2), direction);
  const Value from_inputs = node.emit("linear", {node.in(0), w, input_bias});
  const int64_t n = call.hidden;
  const auto part = [&](Value v, int64_t first, int64_t count) {
    return v && !node.failed() ? node.slice(v, 0, first * n, count * n) : Value{};
  };
  const Value r_gates = part(r, 0, 2), r_news = part(r, 2, 1);
  const Value bias_gates = part(state_bias, 0, 2), bias_news = part(state_bias, 2, 1);
  Value h = initial_state(node, 5, call, direction);
  Run run;
  for (int64_t i = 0; i < call.steps && !node.failed(); ++i) {
    const Value x = at_step(node, from_inputs, call, step_at(i, call, backwards));
    if (node.failed()) break;
    const Value x_gates = node.slice(x, 1, 0, 2 * n), x_news = node.slice(x, 1, 2 * n, n);
    const Value gates =
        node.emit("sigmoid", {node.emit("linear", {h, r_gates, bias_gates, x_gates})});
    const Value update = gate(node, gates, call, 0), reset = gate(node, gates, call, 1);
    Value news;
    if (before) {
      const Value from_state = node.emit("linear", {h, r_news, bias_news});
      news = node.emit("add", {node.emit("mul", {reset, from_state}), x_news});
    } else {
      news = node.emit("linear", {node.emit("mul", {reset, h}), r_news, bias_news, x_news});
    }
    news = node.emit("tanh", {news});
    const Value kept = node.emit("mul", {update, node.emit("sub", {h, news})});
    h = node.emit("add", {news, kept});
    run.states.push_back(h);
  }
  return run;
}

// [batch, hidden] of each direction as [directions, batch, hidden].
Value stack(NodeContext& node, std::vector<Value> parts, const Recurrence& call, int64_t axis) {
  for (Value& part : parts) {
    part = axis == 0 ? node.reshape(part, {1, call.batch, call.hidden}) : part;
  }
  if (node.failed()) return {};
  return parts.size() == 1 ? parts[0] : node.emit("concat", parts, {{"axis", axis}});
}

template <Result<Run> (*run)(NodeContext&, const Recurrence&, int64_t, bool)>
Status recur(NodeContext& node, int64_t gates, const std::vector<std::string>& activations) {
  VERGE_TRY(const Recurrence call, read_extents(node, gates));
  VERGE_RETURN_IF_ERROR(expect_plain(node, activations));
  std::vector<Value> sequences, last_states, last_cells;
  for (int64_t d = 0; d < call.directions; ++d) {
    const bool backwards = d == 1 || node.text("direction") == "reverse";
    VERGE_TRY(Run found, run(node, call, d, backwards));
    if (node.failed()) return {};
    last_states.push_back(found.states.back());
    last_cells.push_back(found.last_cell);
    if (backwards) std::ranges::reverse(found.states);
    const Value all = stack(node, found.states, call, 0);
    sequences.push_back(node.reshape(all, {call.steps, 1, call.batch, call.hidden}));
  }
  if (node.wants_output(0)) node.set_output(0, stack(node, sequences, call, 1));
  if (node.wants_output(1)) node.set_output(1, stack(node, last_states, call, 0));
  if (node.wants_output(2)) node.set_output(2, stack(node, last_cells, call, 0));
  return {};
}

Status lstm(NodeContext& node) {
  return recur<run_lstm>(node, 4, {"Sigmoid", "Tanh", "Tanh"});
}

Status gru(NodeContext& node) {
  if (node.wants_output(2)) return node.malformed("it has two outputs");
  return recur<run_gru>(node, 3, {"Sigmoid", "Tanh"});
}

constexpr OnnxOp kOps[] = {{"GRU", gru}, {"LSTM", lstm}};

}  // namespace

OpGroup recurrent() {
  return {kOps};
}

}  // namespace verge::onnx::ops
