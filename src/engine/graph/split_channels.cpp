#include <algorithm>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/split_channels.hpp>

namespace verge::graph {
namespace {

class Splitter {
 public:
  explicit Splitter(Graph graph) : forward_(graph.nodes.size()), b_(std::move(graph)) {}

  /// The parameter and what is read instead of the weight.
  std::pair<ValueId, ValueId> split(ValueId weight, const ChannelSlice& slice) {
    const Value whole = b_.graph().value(weight);
    Dims dims = whole.type.dims;
    dims[static_cast<size_t>(slice.axis)] = static_cast<int64_t>(slice.channels.size());
    const ValueId part = b_.param(channels_name(whole.name), {whole.type.dtype, dims});
    Tensor indices(DType::I32, {static_cast<int64_t>(slice.channels.size())});
    std::ranges::copy(slice.channels, indices.span<int32_t>().begin());
    const ValueId list = b_.constant("channels", std::move(indices));
    b_.source(whole.name);
    const ValueId merged = b_.op("merge_channels", {weight, part, list}, {{"axis", slice.axis}});
    if (b_.failed()) return {kNone, kNone};
    first_reader_.push_back(read_instead(weight, merged));
    return {part, merged};
  }

  // Each merge stands right before its first reader.
  Result<Graph> finish() {
    std::vector<size_t> order;
    for (size_t n = 0; n < forward_; ++n) {
      for (size_t i = 0; i < first_reader_.size(); ++i) {
        if (first_reader_[i] == n) order.push_back(forward_ + i);
      }
      order.push_back(n);
    }
    if (!b_.failed()) reorder_nodes(b_.graph(), order);
    return b_.finish();
  }

 private:
  size_t read_instead(ValueId weight, ValueId merged) {
    size_t first = forward_;
    for (size_t n = 0; n < forward_; ++n) {
      auto& inputs = b_.graph().nodes[n].inputs;
      if (std::ranges::find(inputs, weight) == inputs.end()) continue;
      std::ranges::replace(inputs, weight, merged);
      first = std::min(first, n);
    }
    VERGE_CHECK(first < forward_, b_.graph().value(weight).name);
    return first;
  }

  size_t forward_;
  Builder b_;
  std::vector<size_t> first_reader_;  // of each merge
};

}  // namespace

std::string channels_name(const std::string& weight) {
  return weight + ".channels";
}

Result<SplitGraph> split_channels(Graph graph, std::vector<ValueId> trainable, ChannelSlices slices,
                                  LevelScales scales) {
  Splitter splitter(std::move(graph));
  SplitGraph result{.graph = {}, .trainable = std::move(trainable), .slices = {}, .scales = scales};
  for (ValueId& id : result.trainable) {
    const auto slice = slices.find(id);
    if (slice == slices.end()) continue;
    if (slice->second.axis != 1) {
      result.slices.insert(*slice);
      continue;
    }
    const auto [part, merged] = splitter.split(id, slice->second);
    if (const auto scale = scales.find(id); scale != scales.end()) {
      result.scales[part] = scale->second;
    }
    result.slices[merged] = slice->second;
    id = part;
  }
  VERGE_TRY(result.graph, splitter.finish());
  return result;
}

std::optional<ChannelSlice> split_slice(const Graph& graph, const std::string& name) {
  const ValueId part = graph.find(name);
  for (const Node& node : graph.nodes) {
    if (node.op->name != "merge_channels" || node.inputs[1] != part) continue;
    const Value& list = graph.value(node.inputs[2]);
    if (list.data == nullptr) return std::nullopt;
    const auto channels = list.data->span<const int32_t>();
    return ChannelSlice{node.attrs.integer("axis"), {channels.begin(), channels.end()}};
  }
  return std::nullopt;
}

}  // namespace verge::graph
