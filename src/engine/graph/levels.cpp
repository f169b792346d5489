#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

DType result_dtype(const Attrs& attrs) {
  const std::string_view to = attrs.text("to", "i8");
  return to == "u8" ? DType::U8 : to == "f32" ? DType::F32 : DType::I8;
}

// Calls f(index in [batch, channels, area], index in [batch, area, channels]).
template <typename F>
void for_each_place(const Shape& image, F f) {
  const auto channels = static_cast<size_t>(image[3]);
  const auto area = static_cast<size_t>(image[1] * image[2]);
  for (size_t i = 0; i < static_cast<size_t>(image.count()); ++i) {
    const size_t channel = i % channels, at = i / channels % area, batch = i / channels / area;
    f((batch * channels + channel) * area + at, i);
  }
}

}  // namespace

Levels::Levels(const Attrs& attrs)
    : to(result_dtype(attrs)),
      zero(static_cast<int>(attrs.integer("y_zero"))),
      low(static_cast<int>(attrs.integer("low", least_level(to)))),
      high(static_cast<int>(attrs.integer("high", largest_level(to)))) {}

float Levels::of(float steps) const {
  if (to == DType::F32) return steps;
  const auto least = static_cast<float>(low - zero), most = static_cast<float>(high - zero);
  return std::nearbyint(clip_steps(steps, least, most)) + static_cast<float>(zero);
}

Status infer_levels(InferContext& context, Dims dims) {
  const Attrs& attrs = context.node.attrs;
  const std::string_view to = attrs.text("to", "i8"), layout = attrs.text("layout", "nchw");
  if (to != "i8" && to != "u8" && to != "f32") {
    return context.fail(fmt::format("to is \"{}\", not i8, u8 or f32", to));
  }
  if (layout != "nchw" && layout != "nhwc") {
    return context.fail(fmt::format("layout is \"{}\", not nchw or nhwc", layout));
  }
  const DType dtype = result_dtype(attrs);
  context.outputs = {{dtype, std::move(dims)}};
  if (dtype == DType::F32) return {};
  const int64_t least = least_level(dtype), most = largest_level(dtype);
  const int64_t low = attrs.integer("low", least), high = attrs.integer("high", most);
  if (low < least || high > most || low > high) {
    return context.fail(
        fmt::format("[low, high] is [{}, {}]; {} holds [{}, {}]", low, high, to, least, most));
  }
  const int64_t zero = attrs.integer("y_zero");
  if (zero >= least && zero <= most) return {};
  return context.fail(fmt::format("y_zero is {}; {} holds [{}, {}]", zero, to, least, most));
}

Status expect_levels(const InferContext& context, size_t input, std::string_view argument,
                     std::string_view zero) {
  const DType dtype = context.type(input).dtype;
  if (!is_level(dtype)) {
    return context.fail(fmt::format("{} is {}, not i8 or u8", argument, name(dtype)));
  }
  const int64_t level = context.node.attrs.integer(zero);
  if (level >= least_level(dtype) && level <= largest_level(dtype)) return {};
  return context.fail(fmt::format("{} is {}, which is no {}", zero, level, name(dtype)));
}

Status expect_product(const InferContext& context, const Dim& out, double terms) {
  VERGE_RETURN_IF_ERROR(expect_levels(context, 0, "x", "x_zero"));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "w", DType::I8));
  if (context.has(2)) {
    VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "bias", {out}));
    VERGE_RETURN_IF_ERROR(expect_dtype(context, 2, "bias", DType::I32));
  }
  if (!context.has(3)) return context.fail("the multiplier is missing");
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "multiplier", {out}));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 3, "multiplier", DType::F32));
  if (fits_sum(terms)) return {};
  return context.fail(fmt::format("sums of {} products of levels do not fit 32 bits", terms));
}

Status expect_factor(const InferContext& context, std::string_view factor) {
  if (!context.node.attrs.has(factor)) return context.fail(fmt::format("no {}", factor));
  const double value = context.node.attrs.real(factor);
  if (value > 0 && std::isfinite(static_cast<float>(value))) return {};
  return context.fail(fmt::format("{} is {}, not positive and finite", factor, value));
}

bool is_channels_last(const Attrs& attrs) {
  return attrs.text("layout") == "nhwc";
}

Dims channels_first(Dims image, const Attrs& attrs) {
  if (is_channels_last(attrs)) std::rotate(image.begin() + 1, image.end() - 1, image.end());
  return image;
}

Dims in_layout(Dims image, const Attrs& attrs) {
  if (is_channels_last(attrs)) std::rotate(image.begin() + 1, image.begin() + 2, image.end());
  return image;
}

Shape channels_first(const Shape& image, const Attrs& attrs) {
  return is_channels_last(attrs) ? Shape{image[0], image[3], image[1], image[2]} : image;
}

std::vector<double> load_image(const TensorView& image, const Attrs& attrs) {
  std::vector<double> values = load(image);
  if (!is_channels_last(attrs)) return values;
  std::vector<double> planes(values.size());
  for_each_place(image.shape, [&](size_t plane, size_t pixel) { planes[plane] = values[pixel]; });
  return planes;
}

void store_image(const TensorView& image, const std::vector<double>& values, const Attrs& attrs) {
  if (!is_channels_last(attrs)) return store(image, values);
  std::vector<double> pixels(values.size());
  for_each_place(image.shape, [&](size_t plane, size_t pixel) { pixels[pixel] = values[plane]; });
  store(image, pixels);
}

}  // namespace verge::graph
