#include <algorithm>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_slice.hpp>

namespace verge::graph {
namespace {

constexpr std::string_view kAxis = "update_axis", kChannels = "update_channels";

}  // namespace

void set_wanted_slice(Node& node, const ChannelSlice& slice) {
  node.attrs.set(kAxis, slice.axis);
  node.attrs.set(kChannels, std::vector<int64_t>(slice.channels.begin(), slice.channels.end()));
}

std::optional<ChannelSlice> wanted_slice(const Node& node) {
  if (!node.attrs.has(kChannels)) return std::nullopt;
  ChannelSlice slice{.axis = node.attrs.integer(kAxis), .channels = {}};
  for (const int64_t channel : node.attrs.list(kChannels)) {
    slice.channels.push_back(static_cast<int32_t>(channel));
  }
  return slice;
}

Attrs plain_attrs(const Node& node) {
  Attrs attrs;
  for (const auto& [name, value] : node.attrs.entries()) {
    if (name != kAxis && name != kChannels) attrs.set(name, value);
  }
  return attrs;
}

ValueId emit_take(Builder& builder, ValueId x, int64_t axis, const std::vector<int32_t>& channels) {
  Tensor indices(DType::I32, {static_cast<int64_t>(channels.size())});
  std::ranges::copy(channels, indices.span<int32_t>().begin());
  const ValueId list = builder.constant("channels", std::move(indices));
  return builder.op("gather", {x, list}, {{"axis", axis}});
}

ValueId take_channels(GradientContext& context, ValueId x, int64_t axis, const ChannelSlice& slice,
                      bool is_saved) {
  if (is_saved) context.builder.phase(Phase::Forward);
  const ValueId taken = emit_take(context.builder, x, axis, slice.channels);
  context.builder.phase(Phase::Backward);
  return taken;
}

}  // namespace verge::graph
