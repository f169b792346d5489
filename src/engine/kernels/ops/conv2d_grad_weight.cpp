#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/conv_trained.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_call.hpp>

namespace verge::kernels::ops {
namespace {

bool has_levels(const graph::KernelCall& call) {
  return graph::is_level(call.in(1).dtype);
}

Conv2d geometry(const graph::KernelCall& call) {
  return conv_of(call.attrs, call.in(1).shape, call.in(0).shape, call.out().shape);
}

bool supports(const graph::KernelCall& call) {
  return has_levels(call) ? call.in(0).dtype == DType::F32 : all_f32(call);
}

std::vector<std::string_view> choices(const graph::KernelCall& call) {
  if (has_levels(call)) return {"direct"};
  const Conv2d conv = geometry(call);
  return winograd_choices(winograd_fits(conv), winograd_by_rule(conv));
}

int way_of(const graph::KernelCall& call, const Conv2d& conv) {
  return winograd_of(call, winograd_by_rule(conv));
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  if (has_levels(call)) return 0;
  const Conv2d conv = geometry(call);
  return static_cast<int64_t>(
      trained_weight_workspace_bytes(isa, conv, way_of(call, conv), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Conv2d conv = geometry(call);
  if (!has_levels(call)) {
    return trained_conv2d_backward_weight(isa, conv, way_of(call, conv), f32(call, 1), f32(call, 0),
                                          f32_out(call), call.workspace, worker);
  }
  const int64_t inner = call.out().shape.count() / conv.out_channels;
  for (int64_t out = worker.claim(); out < conv.out_channels; out = worker.claim()) {
    conv2d_level_backward_weight(conv, f32(call, 0), level_image(call, 1), out,
                                 f32_out(call) + out * inner);
  }
}

}  // namespace

KernelDef conv2d_grad_weight() {
  return {.op = "conv2d_grad_weight",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes,
          .choices = choices};
}

}  // namespace verge::kernels::ops
