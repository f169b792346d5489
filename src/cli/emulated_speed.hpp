#pragma once
// --slow: this machine made to run its model like a slower one, for trying out on one machine what
// another would do (engine/runtime/slowdown.hpp).

#include <verge/cli/parser.hpp>
#include <verge/core/result.hpp>

namespace verge::cli {

struct EmulatedSpeedOptions {
  void declare(Parser& parser);
  /// InvalidArgument for less than 1.
  Result<double> read() const;

  double slow = 1;
};

}  // namespace verge::cli
