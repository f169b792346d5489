#pragma once
// Normalizations of [n, c, h, w] whose scale and shift are by channel: group_norm and batch_norm.
// They differ in which elements share their statistics.

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

struct ChannelNorm {
  size_t channels;
  size_t area;                 // h * w
  size_t groups;               // of one image; for batch norm, of all images together
  bool across_images = false;  // batch norm

  size_t channel(size_t element) const { return element / area % channels; }
  /// Which statistics an element belongs to.
  size_t set(size_t element) const {
    const size_t group = channel(element) / (channels / groups);
    return across_images ? group : element / (area * channels) * groups + group;
  }
};

ChannelNorm group_norm_of(const Shape& x, const Attrs& attrs);
ChannelNorm batch_norm_of(const Shape& x);

struct ChannelStatistics {
  std::vector<double> mean, rstd;  // by set
};

ChannelStatistics measure(const ChannelNorm& norm, const std::vector<double>& x, double eps);
std::vector<double> normalize(const ChannelNorm& norm, const std::vector<double>& x,
                              const ChannelStatistics& statistics,
                              const std::vector<double>& weight, const std::vector<double>& bias);

/// Input 0 is [n, c, h, w], and the inputs named, where given, are [c].
Status expect_channel_params(const InferContext& context, std::initializer_list<size_t> params);

/// The gradient ops: (x, weight, mean, rstd, dy, optional bias) -> (dx, dweight, dbias). With the
/// bias, dy passes only where the norm gave more than 0: a ReLU is part of it {activation}.
Status infer_channel_norm_grad(InferContext& context, const Dims& statistics);
void emit_channel_norm_grad(GradientContext& context, std::string_view op, ValueId mean,
                            ValueId rstd);
void channel_norm_grad_reference(const KernelCall& call, const ChannelNorm& norm);
Cost channel_norm_cost(const KernelCall& call);

}  // namespace verge::graph
