#pragma once
// What the mains around the C of a graph share.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace verge::emit {

/// print, print_integer; fail, which prints two texts and ends with 1. In C.
extern const std::string_view kPrinting;
/// print_float, which needs them.
extern const std::string_view kPrintingFloats;

/// Puts each second text wherever the first stands.
std::string with_parts(
    std::string text,
    std::initializer_list<std::pair<std::string_view, std::string_view>> replacements);

/// Puts the name of a source in the place of "@name", and in capitals of "@NAME".
std::string with_name(std::string text, std::string_view name);

}  // namespace verge::emit
