#pragma once
// The command line as a whole: builds the parser from the table of commands, runs one, maps errors
// to exit codes (0 done, 1 failed, 2 wrong use). Output and errors go to the given streams.

#include <iosfwd>
#include <string>
#include <vector>

namespace verge::cli {

int run_application(const std::vector<std::string>& arguments, std::ostream& out,
                    std::ostream& err);

}  // namespace verge::cli
