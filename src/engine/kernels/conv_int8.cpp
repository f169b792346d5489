#include <algorithm>
#include <cstring>

#include <verge/engine/kernels/conv_int8.hpp>
#include <verge/engine/kernels/int8_plan.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kBandBytes = 48 * 1024;  // of an image: beside weights in an L2 cache
constexpr int64_t kChunkOutputs = 64;      // whose weights stay in it while a band passes
constexpr int64_t kSlack = 64;             // bytes that kernels may read behind a band
constexpr int64_t kTasksOfWorker = 4;

/// Some output positions, and where their windows begin.
struct Band {
  int64_t first = 0, count = 0;
  const uint8_t** pixels = nullptr;
};

/// What all tasks of a call share.
class LevelConvolution {
 public:
  LevelConvolution(Isa isa, const ConvInt8& conv, int threads)
      : c_(conv), plan_(conv), kernels_(int8_kernels(isa)), packed_(kernels_, conv, plan_) {
    const int64_t all = c_.batch * c_.out_height * c_.out_width;
    const int64_t spread = pieces_of(all, kTasksOfWorker * threads);
    if (is_pointwise()) {
      const int64_t fitting = kBandBytes / std::max<int64_t>(c_.in_channels, 1);
      band_ = pieces_of(std::clamp<int64_t>(std::min(fitting, spread), 4 * kTilePixels, 4096),
                        kTilePixels) *
              kTilePixels;
    } else {
      const int64_t row = c_.stride_height * std::max<int64_t>(plan_.pitch(c_), 1);
      const int64_t fitting = std::max<int64_t>(kBandBytes / row, 1);
      const int64_t rows = std::max<int64_t>(pieces_of(spread, c_.out_width), 1);
      const int64_t least = c_.is_depthwise() ? 1 : pieces_of(4 * kTilePixels, c_.out_width);
      band_ = std::clamp(rows, std::min(least, fitting), fitting) * c_.out_width;
    }
    band_ = std::min(band_, std::max<int64_t>(all, 1));
  }

  int64_t workspace_bytes() const {
    return tap_bytes() + pixel_bytes() + (plan_.is_direct ? 0 : copy_bytes());
  }

  void run(const std::byte* x, const std::byte* packed, const Requantize& how, std::byte* y,
           std::byte* own, Worker& worker) {
    x_ = reinterpret_cast<const uint8_t*>(x);
    sums_ = reinterpret_cast<const int32_t*>(packed);
    weights_ = packed + packed_.sums_bytes();
    how_ = how;
    y_ = y;
    taps_ = reinterpret_cast<int64_t*>(own);
    fill_taps();
    Band band{.pixels = reinterpret_cast<const uint8_t**>(own + tap_bytes())};
    auto* copy = reinterpret_cast<uint8_t*>(own + tap_bytes() + pixel_bytes());
    const int64_t all = c_.batch * c_.out_height * c_.out_width;
    const ConvTasks tasks(pieces_of(all, band_), c_.is_depthwise() ? 1 : plan_.group_out,
                          kChunkOutputs, worker.count());
    int64_t loaded = -1;
    for (int64_t i = worker.claim(); i < tasks.count(); i = worker.claim()) {
      if (tasks.band(i) != loaded) {
        loaded = tasks.band(i);
        band.first = loaded * band_;
        band.count = std::min(band_, all - band.first);
        load(band, copy);
      }
      if (c_.is_depthwise()) {
        filter(band);
      } else {
        for (int64_t g = 0; g < c_.groups; ++g) multiply(band, g, tasks.line(i), tasks.lines_of(i));
      }
    }
  }

 private:
  bool is_pointwise() const {
    return plan_.is_direct && c_.kernel_height == 1 && c_.kernel_width == 1 && !c_.is_depthwise();
  }
  int64_t tap_bytes() const { return pieces_of(plan_.padded_taps() * 8, 64) * 64; }
  int64_t pixel_bytes() const { return pieces_of((band_ + kTilePixels) * 8, 64) * 64; }
  /// Rows of two images may meet in a band: each has rows of its own above.
  int64_t copy_bytes() const {
    const int64_t rows = band_ / c_.out_width;
    const int64_t images = std::min(c_.batch, pieces_of(rows, c_.out_height) + 1);
    const int64_t reach = (c_.kernel_height - 1) * c_.dilation_height + 1;
    const int64_t height = rows * c_.stride_height + images * reach;
    return pieces_of(height * plan_.pitch(c_) + kSlack, 64) * 64;
  }
  int32_t unsigned_zero() const { return c_.x_zero + (c_.is_signed ? 128 : 0); }

  void fill_taps() {
    std::fill_n(taps_, plan_.padded_taps(), 0);
    const int64_t pitch = plan_.pitch(c_);
    const int64_t columns = plan_.is_merged ? 1 : c_.kernel_width;
    for (int64_t tap = 0; tap < plan_.taps; ++tap) {
      taps_[tap] = tap / columns * c_.dilation_height * pitch +
                   tap % columns * c_.dilation_width * c_.in_channels;
    }
  }

  void load(Band& band, uint8_t* copy) const {
    int64_t done = 0;
    while (done < band.count) {
      const int64_t position = band.first + done;
      const int64_t image = position / (c_.out_height * c_.out_width);
      const int64_t row = position / c_.out_width % c_.out_height;
      const int64_t column = position % c_.out_width;
      const uint8_t* rows = nullptr;  // of the window of output row `row`
      int64_t run = std::min(c_.out_width - column, band.count - done);
      if (plan_.is_direct) {
        rows = x_ + (image * c_.in_height + row * c_.stride_height) * plan_.pitch(c_);
        add_pixels(band, done, rows + column * c_.stride_width * c_.in_channels, run);
        done += run;
        continue;
      }
      const int64_t count = std::min(c_.out_height - row, (band.count - done) / c_.out_width);
      copy_rows(image, row * c_.stride_height - c_.pad_top, TapPlan::used_height(c_, count), copy);
      for (int64_t i = 0; i < count; ++i) {
        add_pixels(band, done, copy + i * c_.stride_height * plan_.pitch(c_), c_.out_width);
        done += c_.out_width;
      }
      copy += TapPlan::used_height(c_, count) * plan_.pitch(c_);
    }
  }

  void add_pixels(Band& band, int64_t at, const uint8_t* first, int64_t count) const {
    for (int64_t i = 0; i < count; ++i) {
      band.pixels[at + i] = first + i * c_.stride_width * c_.in_channels;
    }
  }

  /// Rows of an image from `top` on, what is outside of it at the level of zero.
  void copy_rows(int64_t image, int64_t top, int64_t count, uint8_t* to) const {
    const auto zero = static_cast<uint8_t>(unsigned_zero());
    const int64_t begin = std::min(c_.pad_left, plan_.used_width);  // columns before the image
    const int64_t inside = std::clamp<int64_t>(plan_.used_width - begin, 0, c_.in_width);
    const auto bytes = [&](int64_t columns) {
      return static_cast<size_t>(columns * c_.in_channels);
    };
    for (int64_t y = top; y < top + count; ++y, to += plan_.pitch(c_)) {
      if (y < 0 || y >= c_.in_height) {
        std::memset(to, zero, bytes(plan_.used_width));
        continue;
      }
      const uint8_t* from = x_ + (image * c_.in_height + y) * c_.in_width * c_.in_channels;
      std::memset(to, zero, bytes(begin));
      uint8_t* middle = to + bytes(begin);
      if (c_.is_signed) {
        for (size_t i = 0; i < bytes(inside); ++i) {
          middle[i] = static_cast<uint8_t>(from[i] ^ 0x80);
        }
      } else {
        std::memcpy(middle, from, bytes(inside));
      }
      std::memset(middle + bytes(inside), zero, bytes(plan_.used_width - begin - inside));
    }
  }

  /// Results of output `output`, whose weights are the `packed_output`-th, from `position` on.
  Int8Out out_at(int64_t position, int64_t output, int64_t packed_output, int64_t outputs) const {
    const int64_t width = how_.to == DType::F32 ? 4 : 1;
    Int8Out out{.y = y_ + (position * c_.out_channels + output) * width,
                .pixel_bytes = c_.out_channels * width,
                .outputs = outputs,
                .sums = sums_ + packed_output,
                .x_zero = unsigned_zero(),
                .how = how_};
    if (how_.bias != nullptr) out.how.bias += output;
    out.how.multiplier += output;
    return out;
  }

  void multiply(const Band& band, int64_t group, int64_t line, int64_t lines) const {
    const uint8_t* pixels[kTilePixels];
    for (int64_t end = line + lines; line < end;) {
      const int64_t left = end - line;
      const int64_t outputs = left <= kChunkOutputs + kPanelOutputs ? left : kChunkOutputs;
      const int64_t panel = group * plan_.panels() + line / kPanelOutputs;
      for (int64_t at = 0; at < band.count; at += kTilePixels) {
        const int64_t count = std::min(kTilePixels, band.count - at);
        for (int64_t i = 0; i < count; ++i) {
          pixels[i] = band.pixels[at + i] + group * plan_.group_in;
        }
        kernels_.multiply({.pixels = pixels,
                           .count = count,
                           .taps = taps_,
                           .tap_count = plan_.taps,
                           .quads = plan_.quads(),
                           .weights = weights_ + panel * packed_.piece_bytes,
                           .panel_bytes = packed_.piece_bytes,
                           .out = out_at(band.first + at, group * plan_.group_out + line,
                                         panel * kPanelOutputs, outputs)});
      }
      line += outputs;
    }
  }

  void filter(const Band& band) const {
    for (int64_t channel = 0; channel < c_.in_channels; channel += kDepthwiseBlock) {
      for (int64_t at = 0; at < band.count; at += c_.out_width) {
        kernels_.filter({.pixels = band.pixels[at] + channel,
                         .step = c_.stride_width * c_.in_channels,
                         .count = c_.out_width,
                         .taps = taps_,
                         .tap_count = plan_.taps,
                         .weights = weights_ + channel / kDepthwiseBlock * packed_.piece_bytes,
                         .out = out_at(band.first + at, channel, channel,
                                       std::min(kDepthwiseBlock, c_.in_channels - channel))});
      }
    }
  }

  const ConvInt8& c_;
  const TapPlan plan_;
  const Int8Kernels& kernels_;
  const Int8Packing packed_;
  int64_t band_ = 1;  // positions
  const uint8_t* x_ = nullptr;
  const int32_t* sums_ = nullptr;
  const std::byte* weights_ = nullptr;
  Requantize how_;
  std::byte* y_ = nullptr;
  int64_t* taps_ = nullptr;
};

}  // namespace

int64_t conv_int8_workspace_bytes(Isa isa, const ConvInt8& conv, int threads) {
  return threads * LevelConvolution(isa, conv, threads).workspace_bytes();
}

void conv_int8(Isa isa, const ConvInt8& conv, const std::byte* x, const std::byte* packed,
               const Requantize& how, std::byte* y, void* workspace, Worker& worker) {
  LevelConvolution forward(isa, conv, worker.count());
  auto* own = static_cast<std::byte*>(workspace) + worker.index() * forward.workspace_bytes();
  forward.run(x, packed, how, y, own, worker);
}

const Int8Kernels& int8_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kInt8;
  if (isa == Isa::Avx2) return avx2::kInt8;
#elif defined(__aarch64__)
  if (isa == Isa::NeonDot) return neon_dot::kInt8;
  if (isa == Isa::Neon) return neon::kInt8;
#endif
  (void)isa;
  return generic::kInt8;
}

}  // namespace verge::kernels
