#pragma once
// c_program: a main around the C of a graph: arrays of NumPy (or their bare elements) in, by the
// order of the inputs; the largest elements of each output printed, or its array written. It uses
// the system's open, read and write alone, so that little is linked to it.

#include <string>
#include <string_view>

namespace verge::emit {

/// For the files `name`.h and `name`.c.
std::string c_program(std::string_view name);

}  // namespace verge::emit
