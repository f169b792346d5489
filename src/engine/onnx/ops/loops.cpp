// Loop, unrolled: how often it runs must follow from shapes and constants.

#include <algorithm>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

using format::onnx::Attribute;
using format::onnx::GraphData;

Result<bool> truth_of(NodeContext& node, Value condition) {
  if (!condition) return true;
  if (!node.is_known(condition)) {
    return node.unsupported(
        "whether it goes on depends on what the network is given when it runs; only loops whose "
        "number of rounds follows from shapes and constants can be unrolled");
  }
  const std::vector<double> values = node.values(condition);
  if (values.size() != 1) return node.malformed("its condition is no single value");
  return values[0] != 0;
}

/// x with an axis of 1 in front.
Value as_slice(NodeContext& node, Value x) {
  std::vector<int64_t> extents = to_list(node.shape(x));
  extents.insert(extents.begin(), 1);
  return node.reshape(x, extents);
}

class Unrolled {
 public:
  Unrolled(NodeContext& node, const GraphData& body) : node_(node), body_(body) {
    for (size_t i = 2; i < node.input_count(); ++i) carried_.push_back(node.in(i));
    slices_.resize(node.node().outputs.size() -
                   std::min(carried_.size(), node.node().outputs.size()));
  }

  // The body takes a number, a condition and what is carried, and gives all but the number, then
  // the slices.
  bool fits() const {
    return body_.inputs.size() == 2 + carried_.size() &&
           body_.outputs.size() == 1 + carried_.size() + slices_.size();
  }

  /// Whether it goes on.
  Result<bool> round(int64_t number, Value condition) {
    std::vector<Value> inputs = {node_.scalar(static_cast<double>(number), ElementType::Int64),
                                 condition};
    if (!condition) inputs[1] = node_.scalar(1, ElementType::Bool);
    inputs.insert(inputs.end(), carried_.begin(), carried_.end());
    VERGE_TRY(const std::vector<Value> results, node_.build_body(body_, inputs));
    std::copy_n(results.begin() + 1, carried_.size(), carried_.begin());
    for (size_t i = 0; i < slices_.size(); ++i) {
      slices_[i].push_back(as_slice(node_, results[1 + carried_.size() + i]));
    }
    // Without a condition of the loop, that of its body counts for nothing, says ONNX, and ends it,
    // say runtimes: an end that is known is one, what is not known is no obstacle.
    const bool is_free = !condition && !node_.is_known(results[0]);
    return is_free ? true : truth_of(node_, results[0]);
  }

  Status finish() {
    for (size_t i = 0; i < carried_.size(); ++i) node_.set_output(i, carried_[i]);
    for (size_t i = 0; i < slices_.size(); ++i) {
      if (!node_.wants_output(carried_.size() + i)) continue;
      if (slices_[i].empty())
        return node_.unsupported("it runs no round, and its results are read");
      const Value all = slices_[i].size() == 1
                            ? slices_[i][0]
                            : node_.emit("concat", slices_[i], {{"axis", int64_t{0}}});
      node_.set_output(carried_.size() + i, all);
    }
    return {};
  }

 private:
  NodeContext& node_;
  const GraphData& body_;
  std::vector<Value> carried_;
  std::vector<std::vector<Value>> slices_;
};

Status loop(NodeContext& node) {
  const Attribute* body = node.node().find("body");
  if (body == nullptr || !body->graph) return node.malformed("its body is missing");
  int64_t most = INT64_MAX;
  if (node.has_input(0)) {
    VERGE_TRY(const auto given, node.known_integers(0));
    if (given.size() != 1) return node.malformed("the number of rounds is no single value");
    most = given[0];
  }
  Value condition = node.input_count() > 1 ? node.in(1) : Value{};
  VERGE_TRY(bool goes_on, truth_of(node, condition));
  Unrolled unrolled(node, *body->graph);
  if (!unrolled.fits()) return node.malformed("its body takes or gives other values than it");
  if (most == INT64_MAX && !condition) return node.unsupported("it never ends");
  for (int64_t round = 0; goes_on && round < most && !node.failed(); ++round) {
    VERGE_TRY(goes_on, unrolled.round(round, condition));
  }
  return node.failed() ? Status() : unrolled.finish();
}

constexpr OnnxOp kOps[] = {{"Loop", loop}};

}  // namespace

OpGroup loops() {
  return {kOps};
}

}  // namespace verge::onnx::ops
