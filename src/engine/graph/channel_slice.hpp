#pragma once
// ChannelSlice: channels of a parameter along one axis, all of it that a training step updates.
// differentiate tells the gradient rule of a product which by attributes of the node it gives it:
// {update_axis, update_channels}.

#include <map>
#include <optional>
#include <vector>

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

struct ChannelSlice {
  int64_t axis = 1;
  std::vector<int32_t> channels;  // ascending
  bool operator==(const ChannelSlice&) const = default;
};
using ChannelSlices = std::map<ValueId, ChannelSlice>;  // by parameter

/// Asks the node's gradient rule for these channels of its weight alone.
void set_wanted_slice(Node& node, const ChannelSlice& slice);
/// What was asked for; nothing: all of the weight.
std::optional<ChannelSlice> wanted_slice(const Node& node);
/// The node's attributes without that, for the nodes that the rule emits.
Attrs plain_attrs(const Node& node);

/// x[..., channels, ...] along `axis`: a gather by a constant list.
ValueId emit_take(Builder& builder, ValueId x, int64_t axis, const std::vector<int32_t>& channels);

/// The same in a gradient rule. `is_saved`: in the forward pass, as soon as x is there, so that of
/// x no more stays alive for the rule.
ValueId take_channels(GradientContext& context, ValueId x, int64_t axis, const ChannelSlice& slice,
                      bool is_saved);

}  // namespace verge::graph
