#pragma once
// The search of fit.hpp for the uneven levels of IQ4_NL (kIq4Values): x ~ scale * level.

#include <cstdint>

namespace verge::quant {

/// Best scale for 32 values with weights w; |x| <= 2.
float fit_iq4_scale(const float* x, const float* w);

/// q = indices (0..15) of the levels nearest to x / scale.
void assign_iq4(const float* x, float scale, int8_t* q);

}  // namespace verge::quant
