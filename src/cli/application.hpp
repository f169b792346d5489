#pragma once
// The command line as a whole: builds the parser from the table of commands, runs one, maps errors
// to exit codes (0 done, 1 failed, 2 wrong use). Output and errors go to the given streams.

#include <iosfwd>
#include <string>
#include <vector>

namespace verge::cli {

/// `terminal_columns`: the width of the terminal that `err` is, 0 if it is none.
int run_application(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err,
                    int terminal_columns = 0);

}  // namespace verge::cli
