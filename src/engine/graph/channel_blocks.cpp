#include <algorithm>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

/// Calls f(index in the image of `channels`, index in blocks) for each element of the image.
template <typename F>
void for_each_lane(const Shape& blocked, int64_t channels, F f) {
  const int64_t area = blocked[2] * blocked[3];
  size_t at = 0;
  for (int64_t n = 0; n < blocked[0]; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t block = (n * blocked[1] + c / kChannelBlock) * area;
      for (int64_t p = 0; p < area; ++p, ++at) {
        f(at, static_cast<size_t>((block + p) * kChannelBlock + c % kChannelBlock));
      }
    }
  }
}

}  // namespace

Dims blocked_dims(const Dims& image) {
  return {image[0], channel_blocks(image[1].factor), image[2], image[3], kChannelBlock};
}

Dims unblocked_dims(const Dims& blocked) {
  return {blocked[0], blocked[1].factor * kChannelBlock, blocked[2], blocked[3]};
}

Status expect_blocked(const InferContext& context, size_t input, std::string_view argument) {
  VERGE_RETURN_IF_ERROR(expect_rank(context, input, argument, 5));
  VERGE_RETURN_IF_ERROR(expect_dim(context, input, argument, 4, kChannelBlock));
  const Dims& dims = context.dims(input);
  if (std::all_of(dims.begin() + 1, dims.end(), [](const Dim& dim) { return dim.is_constant(); })) {
    return {};
  }
  return context.fail(
      fmt::format("{} is {}; only the batch may vary", argument, show_dims(context.graph, dims)));
}

Result<int64_t> channels_of(const InferContext& context) {
  const int64_t channels = context.node.attrs.integer("channels");
  const int64_t blocks = context.dims(0)[1].factor;
  if (channels >= 1 && channels <= blocks * kChannelBlock && channel_blocks(channels) == blocks) {
    return channels;
  }
  return context.fail(
      fmt::format("{} channels do not fill {} blocks of {}", channels, blocks, kChannelBlock));
}

Tensor unblocked(const TensorView& from) {
  const Shape& shape = from.shape;
  Tensor image(DType::F64, {shape[0], shape[1] * kChannelBlock, shape[2], shape[3]});
  const std::vector<double> values = load(from);
  for_each_lane(shape, shape[1] * kChannelBlock,
                [&](size_t to, size_t at) { image.span<double>()[to] = values[at]; });
  return image;
}

Tensor blocked(const TensorView& image) {
  const Shape& shape = image.shape;
  Tensor made(DType::F64, {shape[0], channel_blocks(shape[1]), shape[2], shape[3], kChannelBlock});
  const std::vector<double> values = load(image);
  for_each_lane(made.shape(), shape[1],
                [&](size_t at, size_t to) { made.span<double>()[to] = values[at]; });
  return made;
}

}  // namespace verge::graph
