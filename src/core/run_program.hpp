#pragma once
// run_program: another program, to its end.

#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge {

struct ProgramResult {
  int status = 0;      // 128 + the signal that ended it
  std::string output;  // what it printed, errors too: the first 64 KiB
};

/// Looks words[0] up in PATH; it reads nothing. Fails with NotFound where there is no such program,
/// Io where the system cannot start one.
Result<ProgramResult> run_program(const std::vector<std::string>& words);

}  // namespace verge
