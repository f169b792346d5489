#include <cmath>

#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/optimizer.hpp>

namespace verge::kernels {

void adamw(Isa isa, const AdamW& update, int64_t n, const float* gradient, float* parameter,
           float* first_moment, float* second_moment, Worker& worker) {
  const auto step = static_cast<double>(update.step);
  const double rate = update.learning_rate / (1 - std::pow(double{update.beta1}, step));
  const double root = 1 / std::sqrt(1 - std::pow(double{update.beta2}, step));
  const auto [first, last] = worker.split(n, 64);
  element_kernels(isa).adamw(update, static_cast<float>(rate), static_cast<float>(root),
                             last - first, gradient + first, parameter + first,
                             first_moment + first, second_moment + first);
}

void sgd(Isa isa, const Sgd& update, int64_t n, const float* gradient, float* parameter,
         float* velocity, Worker& worker) {
  const auto [first, last] = worker.split(n, 64);
  element_kernels(isa).sgd(update, last - first, gradient + first, parameter + first,
                           velocity == nullptr ? nullptr : velocity + first);
}

}  // namespace verge::kernels
