#include <cmath>

#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/conv_mirror.hpp>
#include <verge/engine/kernels/conv_trained.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_backward.hpp>

namespace verge::kernels::ops {
namespace {

bool has_levels(const graph::KernelCall& call) {
  return call.in(1).dtype == DType::I8;
}

Conv2d geometry(const graph::KernelCall& call) {
  Conv2d conv = conv_of(call.attrs, call.out().shape, call.in(0).shape, call.in(1).shape);
  conv.residual = f32(call, 2);
  conv.passed = f32(call, 3);
  conv.above = static_cast<float>(call.attrs.real("min", -HUGE_VAL));
  conv.below = static_cast<float>(call.attrs.real("max", HUGE_VAL));
  return conv;
}

bool supports(const graph::KernelCall& call) {
  if (!has_levels(call)) return all_f32(call);
  return call.in(0).dtype == DType::F32 && !call.has(2) && !call.has(3);
}

std::vector<std::string_view> choices(const graph::KernelCall& call) {
  if (has_levels(call)) return {"direct"};
  const Conv2d conv = geometry(call);
  return winograd_choices(data_winograd_fits(conv), winograd_by_rule(conv));
}

int way_of(const graph::KernelCall& call, const Conv2d& conv) {
  return winograd_of(call, data_winograd_fits(conv) ? winograd_by_rule(conv) : 0);
}

bool wants_packed(const graph::KernelCall& call, size_t input) {
  return input == 1 && !has_levels(call) && supports(call) && packs_data(geometry(call));
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  if (has_levels(call)) return 0;
  const Conv2d conv = geometry(call);
  const int m = way_of(call, conv);
  if (!call.is_packed(1)) {
    return static_cast<int64_t>(trained_data_workspace_bytes(isa, conv, m, threads));
  }
  return static_cast<int64_t>(m == 0 ? data_packed_workspace_bytes(isa, conv, threads)
                                     : winograd_workspace_bytes(isa, mirror_of(conv), m, threads));
}

int64_t prepared_bytes(const graph::KernelCall& call, size_t, Isa isa) {
  const Conv2d conv = geometry(call);
  const int m = way_of(call, conv);
  const int64_t floats =
      m == 0 ? data_packed_floats(isa, conv) : winograd_packed_floats(isa, mirror_of(conv), m);
  return floats * int64_t{sizeof(float)};
}

void prepare(const graph::KernelCall& call, size_t, std::byte* prepared, Worker& worker, Isa isa) {
  const Conv2d conv = geometry(call);
  auto* packed = reinterpret_cast<float*>(prepared);
  const int m = way_of(call, conv);
  if (m == 0) return pack_conv2d_data(isa, conv, f32(call, 1), packed, worker);
  pack_winograd(isa, mirror_of(conv), m, {f32(call, 1), true}, packed, worker);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Conv2d conv = geometry(call);
  const float* dy = f32(call, 0);
  float* dx = f32_out(call);
  if (has_levels(call)) {
    return conv2d_level_backward_data(conv, dy, call.in(1).as<int8_t>(), dx, worker);
  }
  const float* weight = f32(call, 1);
  const int m = way_of(call, conv);
  if (!call.is_packed(1)) {
    return trained_conv2d_backward_data(isa, conv, m, dy, weight, dx, call.workspace, worker);
  }
  if (m == 0) {
    return conv2d_backward_data_packed(isa, conv, dy, weight, dx, call.workspace, worker);
  }
  conv2d_winograd(isa, mirror_of(conv), m, dy, weight, nullptr, dx, call.workspace, worker);
}

}  // namespace

KernelDef conv2d_grad_input() {
  return {.op = "conv2d_grad_input",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes,
          .choices = choices,
          .wants_packed = wants_packed,
          .prepared_bytes = prepared_bytes,
          .prepare = prepare};
}

}  // namespace verge::kernels::ops
