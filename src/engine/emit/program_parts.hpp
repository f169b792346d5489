#pragma once
// What the mains around the C of a graph share.

#include <string>
#include <string_view>

namespace verge::emit {

/// print, print_integer, print_float; fail, which prints two texts and ends with 1. In C.
extern const std::string_view kPrinting;

/// Puts the name of a source in the place of "@name", and in capitals of "@NAME".
std::string with_name(std::string text, std::string_view name);

}  // namespace verge::emit
