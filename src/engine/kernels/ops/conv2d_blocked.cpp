#include <verge/engine/kernels/conv_blocked_winograd.hpp>
#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

BlockedConv geometry(const KernelCall& call) {
  const Shape &x = call.in(0).shape, &w = call.in(1).shape, &y = call.out().shape;
  const Shape image = {x[0], w[1] * call.attrs.integer("groups", 1), x[2], x[3]};
  BlockedConv blocked{conv_of(call.attrs, image, {y[0], w[0], y[2], y[3]}, w), x.rank() == 4};
  add_epilogue(call, blocked.conv);
  return blocked;
}

bool supports(const KernelCall& call) {
  return all_f32(call) && conv_fits(geometry(call).conv);
}

std::vector<std::string_view> choices(const KernelCall& call) {
  return winograd_choices(call.is_packed(1) && blocked_winograd_fits(geometry(call)));
}

int64_t packed_bytes(const KernelCall& call, Isa isa) {
  const int m = winograd_of(call);
  const int64_t floats = m == 0 ? conv2d_blocked_packed_floats(isa, geometry(call))
                                : blocked_winograd_packed_floats(isa, geometry(call), m);
  return floats * int64_t{sizeof(float)};
}

int64_t workspace_bytes(const KernelCall& call, int threads, Isa isa) {
  const int m = winograd_of(call);
  const auto own = static_cast<int64_t>(
      m == 0 ? conv2d_blocked_workspace_bytes(isa, geometry(call), threads)
             : blocked_winograd_workspace_bytes(isa, geometry(call), m, threads));
  return call.is_packed(1) ? own : own + packed_bytes(call, isa);
}

void prepare(const KernelCall& call, size_t, std::byte* prepared, Worker& worker, Isa isa) {
  auto* packed = reinterpret_cast<float*>(prepared);
  const int m = winograd_of(call);
  if (m == 0) return pack_conv2d_blocked(isa, geometry(call), f32(call, 1), packed, worker);
  pack_blocked_winograd(isa, geometry(call), m, f32(call, 1), packed, worker);
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const float* packed = f32(call, 1);
  std::byte* workspace = call.workspace;
  if (!call.is_packed(1)) {
    prepare(call, 1, workspace, worker, isa);
    worker.sync();
    packed = reinterpret_cast<const float*>(workspace);
    workspace += packed_bytes(call, isa);
  }
  const float *x = f32(call, 0), *bias = f32(call, 2);
  const int m = winograd_of(call);
  if (m == 0) {
    return conv2d_blocked(isa, geometry(call), x, packed, bias, f32_out(call), workspace, worker);
  }
  conv2d_blocked_winograd(isa, geometry(call), m, x, packed, bias, f32_out(call), workspace,
                          worker);
}

}  // namespace

KernelDef conv2d_blocked() {
  return {.op = "conv2d_blocked",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes,
          .choices = choices,
          .wants_packed = [](const KernelCall& call,
                             size_t input) { return input == 1 && supports(call); },
          .prepared_bytes = [](const KernelCall& call, size_t,
                               Isa isa) { return packed_bytes(call, isa); },
          .prepare = prepare};
}

}  // namespace verge::kernels::ops
