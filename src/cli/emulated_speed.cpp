#include <verge/cli/emulated_speed.hpp>

namespace verge::cli {

void EmulatedSpeedOptions::declare(Parser& parser) {
  parser.add_option("--slow", slow,
                    "Run the model like a machine that is so many times slower: after each run its "
                    "thread sleeps");
}

Result<double> EmulatedSpeedOptions::read() const {
  if (slow >= 1) return slow;
  return make_error(Code::InvalidArgument, "--slow {}: use 1 (as fast as it is) or more", slow);
}

}  // namespace verge::cli
