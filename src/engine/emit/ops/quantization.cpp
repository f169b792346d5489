// From floats to 8-bit levels and back.

#include <verge/engine/emit/c_op.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kDequantize = R"(
/* x = (q - zero) * scale of `bits` bits a level, signed or not; by channel where scales are given. */
static void op_dequantize(const void *q, float *x, long n, int bits, int is_signed,
                          const float *scales, const int32_t *zeros, long channels, long inner,
                          float scale, int32_t zero) {
  for (long i = 0; i < n; ++i) {
    const long channel = i / inner % channels;
    const int32_t level = bits == 32  ? ((const int32_t *)q)[i]
                          : is_signed ? ((const int8_t *)q)[i]
                                      : ((const uint8_t *)q)[i];
    const int32_t at = scales == NULL ? zero : zeros == NULL ? 0 : zeros[channel];
    x[i] = (float)(level - at) * (scales == NULL ? scale : scales[channel]);
  }
}
)";

constexpr std::string_view kQuantize = R"(
/* q = clip(round(x / scale) + zero), half to even. */
static void op_quantize(const float *x, uint8_t *q, long n, int is_signed, const float *scales,
                        const int32_t *zeros, long channels, long inner, float scale,
                        int32_t zero) {
  const float low = is_signed ? -128 : 0, high = is_signed ? 127 : 255;
  for (long i = 0; i < n; ++i) {
    const long channel = i / inner % channels;
    const int32_t at = scales == NULL ? zero : zeros == NULL ? 0 : zeros[channel];
    const float level =
        nearbyintf(x[i] / (scales == NULL ? scale : scales[channel])) + (float)at;
    q[i] = (uint8_t)(int32_t)(level < low ? low : level > high ? high : level);
  }
}
)";

struct Channels {
  int64_t count = 1, inner = 1;
};

Channels channels_of(const CNode& node) {
  if (!node.has(1)) return {};
  const Shape shape = node.in(0);
  const int64_t said = node.attrs().integer("axis");
  const auto axis = static_cast<int>(said < 0 ? said + shape.rank() : said);
  Channels channels{shape[axis], 1};
  for (int i = axis + 1; i < shape.rank(); ++i) channels.inner *= shape[i];
  return channels;
}

std::string or_null(CNode& node, size_t input, DType dtype) {
  return node.has(input) ? node.read(input, dtype) : "NULL";
}

void dequantize(CNode& node) {
  const DType dtype = node.dtype(0);
  const Channels channels = channels_of(node);
  node.call("op_dequantize", node.read(0, dtype), node.write(), node.out().count(),
            dtype == DType::I32 ? 32 : 8, dtype == DType::U8 ? 0 : 1, or_null(node, 1, DType::F32),
            or_null(node, 2, DType::I32), channels.count, channels.inner,
            c_float(node.attrs().real("scale")), node.attrs().integer("zero_point"));
}

void quantize(CNode& node) {
  const bool is_signed = node.attrs().text("to", "i8") == "i8";
  const Channels channels = channels_of(node);
  const std::string out = node.write(0, is_signed ? DType::I8 : DType::U8);
  node.call("op_quantize", node.read(0), fmt::format("(uint8_t *)({})", out), node.out().count(),
            is_signed ? 1 : 0, or_null(node, 1, DType::F32), or_null(node, 2, DType::I32),
            channels.count, channels.inner, c_float(node.attrs().real("scale")),
            node.attrs().integer("zero_point"));
}

}  // namespace

COpGroup quantization() {
  const std::vector<std::string_view> levels = {"axis", "scale", "to", "zero_point"};
  return {{{"dequantize", {}, std::string(kDequantize), levels, 3, dequantize},
           {"quantize", {}, std::string(kQuantize), levels, 3, quantize}}};
}

}  // namespace verge::emit::ops
