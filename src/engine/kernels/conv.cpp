#include <algorithm>
#include <vector>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/conv_mirror.hpp>
#include <verge/engine/kernels/conv_plan.hpp>
#include <verge/engine/kernels/conv_strided.hpp>

namespace verge::kernels {
namespace {

/// Packs the weights of all groups panel by panel; `weight` is the whole tensor.
void pack_weights(const TapKernels& kernels, const Conv2d& conv, const ConvPlan& plan,
                  const float* weight, float* packed, Worker& worker) {
  const int64_t width = plan.depthwise ? 1 : kernels.rows;
  const int64_t panels = (plan.lines + width - 1) / width;
  const int64_t group_weights = conv.out_channels / conv.groups * (conv.in_channels / conv.groups) *
                                conv.kernel_height * conv.kernel_width;
  const auto [first, last] = worker.split(plan.groups * panels);
  for (int64_t i = first; i < last; ++i) {
    const float* from = weight + i / panels * group_weights;
    float* to = packed + i * width * plan.taps;
    const int64_t line = i % panels * width;
    const int64_t used = std::min(width, plan.lines - line);
    for (int64_t t = 0; t < plan.taps; ++t, to += width) {
      for (int64_t j = 0; j < used; ++j) {
        to[j] = from[(line + j) * plan.weight_line_stride + plan.weight_at[t]];
      }
      std::fill(to + used, to + width, 0.0f);
    }
  }
}

/// Calls f(a, b) for each phase of the strides.
template <typename F>
void for_each_phase(const Conv2d& conv, F f) {
  for (int64_t phase = 0; phase < conv.stride_height * conv.stride_width; ++phase) {
    f(phase / conv.stride_width, phase % conv.stride_width);
  }
}

/// Every (image, group, band) of a plan whose taps and weights are ready; where these are fewer
/// than the workers, every share of their lines. `own` are this worker's planes followed by its
/// line.
void run_plan(Isa isa, const ConvPlan& plan, const float* source, float* out, float* own,
              Worker& worker) {
  const TapKernels& kernels = tap_kernels(isa);
  const Lattice& l = plan.lattice;
  const int64_t bands = l.bands();
  float* line = own + plan.planes_size();
  const int64_t pieces = plan.batch * plan.groups * bands;
  const int64_t panel = plan.depthwise ? 1 : kernels.rows;
  const int64_t panels = (plan.lines + panel - 1) / panel;
  const int64_t shares = shares_for(worker.count(), pieces, panels);
  for (int64_t i = worker.claim(); i < pieces * shares; i = worker.claim()) {
    const int64_t share = i % shares, band = i / shares % bands;
    const int64_t image = i / shares / bands;  // and group
    const int64_t group = image % plan.groups;
    const int64_t first = band * l.band, rows = l.band_rows(band);
    const int64_t first_line = panels * share / shares * panel;
    const int64_t last_line = std::min(panels * (share + 1) / shares * panel, plan.lines);
    kernels.load_planes(l, source + image * l.channels * l.height * l.width, first, rows, own);
    const TapProduct product{
        last_line - first_line, plan.taps, plan.offsets,
        plan.packed + group * plan.weights_of_group(kernels) + first_line * plan.taps};
    const TapOutput to{out + (image * plan.lines + first_line) * plan.out_plane + plan.out_first +
                           first * plan.row_stride,
                       plan.out_plane, plan.row_stride, plan.column_stride};
    if (plan.depthwise) {
      filter_band(kernels, l, product, own, rows, to, line);
    } else {
      multiply_band(kernels, l, product, own, rows, to, line);
    }
  }
}

int64_t own_size(const ConvPlan& plan, const TapKernels& kernels) {
  return (plan.planes_size() + plan.line_size(kernels) + 15) / 16 * 16;
}

/// Of the phases of a gradient, one after the other, with weights that are packed in the call, or
/// once.
int64_t phases_bytes(Isa isa, const Conv2d& conv, int threads, bool packs) {
  const TapKernels& kernels = tap_kernels(isa);
  int64_t bytes = 0;
  for_each_phase(conv, [&](int64_t a, int64_t b) {
    ConvPlan plan = plan_backward(conv, a, b);
    Scratch scratch(nullptr);
    plan.carve_taps(scratch);
    if (packs) scratch.take<float>(plan.packed_floats(kernels));
    scratch.take<float>(threads * own_size(plan, kernels));
    bytes = std::max(bytes, scratch.used());
  });
  return bytes;
}

/// Of a convolution whose weights are packed in the call.
int64_t forward_bytes(Isa isa, const Conv2d& conv, int threads) {
  Scratch packed(nullptr);
  packed.take<float>(conv2d_packed_floats(isa, conv));
  return packed.used() + static_cast<int64_t>(conv2d_packed_workspace_bytes(isa, conv, threads));
}

void run_mirror(Isa isa, const Conv2d& conv, const float* dy, const float* weight, float* dx,
                void* workspace, Worker& worker) {
  const Conv2d mirror = mirror_of(conv);
  Scratch scratch(workspace);
  auto* packed = scratch.take<float>(conv2d_packed_floats(isa, mirror));
  pack_mirror(isa, conv, weight, packed, worker);
  worker.sync();
  conv2d_packed(isa, mirror, dy, packed, nullptr, dx,
                static_cast<std::byte*>(workspace) + scratch.used(), worker);
}

/// What a forward convolution does to its results while they are in cache.
void finish_gradient(const Conv2d& conv, float* dx, Worker& worker) {
  worker.sync();
  const auto [first, last] =
      worker.split(conv.batch * conv.in_channels * conv.in_height * conv.in_width, 64);
  for (int64_t i = first; i < last && conv.residual != nullptr; ++i) dx[i] += conv.residual[i];
  for (int64_t i = first; i < last && conv.passed != nullptr; ++i) {
    dx[i] = conv.passed[i] > conv.above && conv.passed[i] < conv.below ? dx[i] : 0;
  }
}

/// Of a gradient by phases: as it is, or packed once, the phases one after the other.
struct PhaseWeights {
  const float *whole, *packed;
};

void run_phases(Isa isa, const Conv2d& conv, const float* dy, const PhaseWeights& weights,
                float* dx, void* workspace, Worker& worker) {
  const TapKernels& kernels = tap_kernels(isa);
  const float* packed = weights.packed;
  for_each_phase(conv, [&](int64_t a, int64_t b) {
    ConvPlan plan = plan_backward(conv, a, b);
    plan.packed = packed;
    if (packed != nullptr) packed += plan.packed_floats(kernels);
    if (plan.lattice.out_height == 0 || plan.lattice.out_width == 0) return;
    Scratch scratch(workspace);
    plan.carve_taps(scratch);
    float* room = nullptr;
    if (packed == nullptr) {
      room = scratch.take<float>(plan.packed_floats(kernels));
      plan.packed = room;
    }
    const int64_t own = own_size(plan, kernels);
    float* mine = scratch.take<float>(worker.count() * own) + worker.index() * own;
    worker.sync();  // the last phase's taps and weights are done with
    if (worker.index() == 0) fill_backward_taps(conv, a, b, plan);
    worker.sync();
    if (room != nullptr) {
      pack_weights(kernels, conv, plan, weights.whole, room, worker);
      worker.sync();
    }
    run_plan(isa, plan, dy, dx, mine, worker);
  });
  if (conv.residual != nullptr || conv.passed != nullptr) finish_gradient(conv, dx, worker);
}

}  // namespace

size_t conv2d_forward_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  return static_cast<size_t>(forward_bytes(isa, conv, threads));
}

size_t conv2d_data_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  if (has_mirror(conv)) return static_cast<size_t>(forward_bytes(isa, mirror_of(conv), threads));
  if (strided_fits(conv)) return strided_workspace_bytes(conv, threads);
  return static_cast<size_t>(phases_bytes(isa, conv, threads, true));
}

size_t conv2d_weight_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  return static_cast<size_t>(conv2d_backward_weight_bytes(isa, conv, threads));
}

size_t conv2d_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  return std::max({conv2d_forward_workspace_bytes(isa, conv, threads),
                   conv2d_data_workspace_bytes(isa, conv, threads),
                   conv2d_weight_workspace_bytes(isa, conv, threads)});
}

void conv2d(Isa isa, const Conv2d& conv, const float* x, const float* weight, const float* bias,
            float* y, void* workspace, Worker& worker) {
  Scratch scratch(workspace);
  auto* packed = scratch.take<float>(conv2d_packed_floats(isa, conv));
  pack_conv2d(isa, conv, weight, packed, worker);
  worker.sync();
  conv2d_packed(isa, conv, x, packed, bias, y, static_cast<std::byte*>(workspace) + scratch.used(),
                worker);
}

void conv2d_backward_data(Isa isa, const Conv2d& conv, const float* dy, const float* weight,
                          float* dx, void* workspace, Worker& worker) {
  if (has_mirror(conv)) return run_mirror(isa, conv, dy, weight, dx, workspace, worker);
  if (strided_fits(conv)) {
    return strided_backward_data(isa, conv, dy, weight, dx, workspace, worker);
  }
  run_phases(isa, conv, dy, {weight, nullptr}, dx, workspace, worker);
}

bool packs_data(const Conv2d& conv) {
  return has_mirror(conv) || !strided_fits(conv);
}

int64_t data_packed_floats(Isa isa, const Conv2d& conv) {
  if (has_mirror(conv)) return conv2d_packed_floats(isa, mirror_of(conv));
  int64_t floats = 0;
  for_each_phase(conv, [&](int64_t a, int64_t b) {
    floats += plan_backward(conv, a, b).packed_floats(tap_kernels(isa));
  });
  return floats;
}

void pack_conv2d_data(Isa isa, const Conv2d& conv, const float* weight, float* packed,
                      Worker& worker) {
  if (has_mirror(conv)) return pack_mirror(isa, conv, weight, packed, worker);
  for_each_phase(conv, [&](int64_t a, int64_t b) {
    ConvPlan plan = plan_backward(conv, a, b);
    std::vector<int32_t> offsets(static_cast<size_t>(plan.taps)), weight_at(offsets.size());
    plan.offsets = offsets.data();
    plan.weight_at = weight_at.data();
    fill_backward_taps(conv, a, b, plan);
    pack_weights(tap_kernels(isa), conv, plan, weight, packed, worker);
    packed += plan.packed_floats(tap_kernels(isa));
  });
}

size_t data_packed_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  if (has_mirror(conv)) return conv2d_packed_workspace_bytes(isa, mirror_of(conv), threads);
  return static_cast<size_t>(phases_bytes(isa, conv, threads, false));
}

void conv2d_backward_data_packed(Isa isa, const Conv2d& conv, const float* dy, const float* packed,
                                 float* dx, void* workspace, Worker& worker) {
  if (!has_mirror(conv)) {
    return run_phases(isa, conv, dy, {nullptr, packed}, dx, workspace, worker);
  }
  conv2d_packed(isa, mirror_of(conv), dy, packed, nullptr, dx, workspace, worker);
}

}  // namespace verge::kernels
