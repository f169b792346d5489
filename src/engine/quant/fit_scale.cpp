#include <verge/engine/quant/fit.hpp>
#include <verge/engine/quant/search_scale.hpp>

namespace verge::quant {

template <int N>
float fit_scale(const float* x, const float* w, int low, int high) {
  const float first = static_cast<float>(low);
  const float last = static_cast<float>(high);
  const auto level = [=](Lanes quotient) { return clamp(round(quotient), first, last); };
  const Sweep sweeps[] = {{last, 0.1f, 9}, {first, 0.1f, 9}};
  return search_scale<N>(x, w, std::span(sweeps, low < 0 ? 2 : 1), level);
}

template float fit_scale<8>(const float*, const float*, int, int);
template float fit_scale<16>(const float*, const float*, int, int);
template float fit_scale<32>(const float*, const float*, int, int);

}  // namespace verge::quant
