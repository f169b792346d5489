#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/conv_trained.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

Conv2d geometry(const KernelCall& call) {
  Conv2d conv = conv_of(call.attrs, call.in(0).shape, call.out().shape, call.in(1).shape);
  add_epilogue(call, conv);
  return conv;
}

bool supports(const KernelCall& call) {
  return all_f32(call) && conv_fits(geometry(call));
}

std::vector<std::string_view> choices(const KernelCall& call) {
  const Conv2d conv = geometry(call);
  return winograd_choices(winograd_fits(conv), winograd_by_rule(conv));
}

int way_of(const KernelCall& call, const Conv2d& conv) {
  return winograd_of(call, winograd_by_rule(conv));
}

int64_t workspace_bytes(const KernelCall& call, int threads, Isa isa) {
  const Conv2d conv = geometry(call);
  const int m = way_of(call, conv);
  if (!call.is_packed(1)) {
    return static_cast<int64_t>(trained_conv2d_workspace_bytes(isa, conv, m, threads));
  }
  return static_cast<int64_t>(m == 0 ? conv2d_packed_workspace_bytes(isa, conv, threads)
                                     : winograd_workspace_bytes(isa, conv, m, threads));
}

int64_t prepared_bytes(const KernelCall& call, size_t, Isa isa) {
  const Conv2d conv = geometry(call);
  const int m = way_of(call, conv);
  const int64_t floats =
      m == 0 ? conv2d_packed_floats(isa, conv) : winograd_packed_floats(isa, conv, m);
  return floats * int64_t{sizeof(float)};
}

void prepare(const KernelCall& call, size_t, std::byte* prepared, Worker& worker, Isa isa) {
  const Conv2d conv = geometry(call);
  auto* packed = reinterpret_cast<float*>(prepared);
  const int m = way_of(call, conv);
  if (m == 0) return pack_conv2d(isa, conv, f32(call, 1), packed, worker);
  pack_winograd(isa, conv, m, {f32(call, 1)}, packed, worker);
}

// Winograd's and packed weights are those of the weight and its groups alone.
std::string layout(const KernelCall& call) {
  return fmt::format("groups {}", geometry(call).groups);
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const Conv2d conv = geometry(call);
  const float *x = f32(call, 0), *weight = f32(call, 1), *bias = f32(call, 2);
  const int m = way_of(call, conv);
  if (!call.is_packed(1)) {
    return trained_conv2d(isa, conv, m, x, weight, bias, f32_out(call), call.workspace, worker);
  }
  if (m == 0) {
    return conv2d_packed(isa, conv, x, weight, bias, f32_out(call), call.workspace, worker);
  }
  conv2d_winograd(isa, conv, m, x, weight, bias, f32_out(call), call.workspace, worker);
}

}  // namespace

KernelDef conv2d() {
  return {.op = "conv2d",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes,
          .choices = choices,
          .wants_packed = [](const KernelCall& call,
                             size_t input) { return input == 1 && supports(call); },
          .prepared_bytes = prepared_bytes,
          .prepare = prepare,
          .layout = layout};
}

}  // namespace verge::kernels::ops
