#pragma once
// int8-dsp: a strict integer accelerator, emulated on the CPU: it has no floating point, sees no
// memory but its own, and runs one thing at a time. It stands for the signal processors of phones,
// and shows that what a graph is given to such a device for is right to the bit.

#include <memory>

#include <verge/engine/runtime/backend.hpp>

namespace verge::backends {

constexpr std::string_view kInt8Dsp = "int8-dsp";

/// With so many bytes of memory for the weights, inputs, outputs and activations of all regions.
std::shared_ptr<runtime::Backend> make_int8_dsp(int64_t memory_bytes);

}  // namespace verge::backends
