#pragma once
// `verge` as a process of its own, from the build that is tested, with nobody's settings.

#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "child_process.hpp"
#include "paths.hpp"

namespace verge::test {

enum class Printed { OutputAlone, OutputAndErrors };

/// Starts `verge ARGUMENTS`; what it prints is appended to the file `out`. For wait_child().
inline pid_t start_verge(std::vector<std::string> arguments, const std::string& out,
                         Printed printed = Printed::OutputAndErrors) {
  arguments.insert(arguments.begin(), std::string(kBinaryDirectory) + "/verge");
  return start_child([&] {
    const int file = ::open(out.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, STDOUT_FILENO);
    if (printed == Printed::OutputAndErrors) ::dup2(file, STDERR_FILENO);
    ::setenv("VERGE_CONFIG", "/nonexistent", 1);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    ::execv(pointers[0], pointers.data());
    return 99;
  });
}

}  // namespace verge::test
