// dx = dy * slope, from what the activation {of} saved: x of silu, gelu and those of pieces, y of
// the others.

#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void by_pieces(std::string_view of, const graph::KernelCall& call, Worker& worker) {
  if (of == "leaky_relu") {
    const auto slope = static_cast<float>(call.attrs.real("slope", 0.01));
    return map_pairs(call, worker, [=](float x, float dy) { return x > 0 ? dy : slope * dy; });
  }
  if (of == "hsigmoid") {
    return map_pairs(call, worker,
                     [](float x, float dy) { return x > -3 && x < 3 ? dy * (1.0f / 6) : 0.0f; });
  }
  map_pairs(call, worker, [](float x, float dy) {  // hswish
    const float slope = x >= 3 ? 1.0f : (2 * x + 3) * (1.0f / 6);
    return x <= -3 ? 0.0f : dy * slope;
  });
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const std::string_view of = call.attrs.text("of");
  const auto smooth = [&](Activation f) {
    activate_backward(isa, f, call.out().shape.count(), f32(call, 0), f32(call, 1), f32_out(call),
                      worker);
  };
  if (of == "silu") return smooth(Activation::Silu);
  if (of == "gelu") {
    const bool is_exact = call.attrs.text("approximate", "tanh") == "none";
    return smooth(is_exact ? Activation::GeluErf : Activation::GeluTanh);
  }
  if (of == "sigmoid") {
    return map_pairs(call, worker, [](float y, float dy) { return dy * (y * (1 - y)); });
  }
  if (of == "tanh" || of == "softcap") {
    const double cap = of == "tanh" ? 1 : call.attrs.real("cap", 1);
    const auto inverse = static_cast<float>(1 / cap);
    return map_pairs(call, worker, [inverse](float y, float dy) {
      const float t = y * inverse;
      return dy * (1 - t * t);
    });
  }
  by_pieces(of, call, worker);
}

}  // namespace

KernelDef activation_grad() {
  return {.op = "activation_grad", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
