#include <csignal>
#include <iostream>

#include <verge/cli/application.hpp>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failed write, not the end of the process
  return verge::cli::run_application({argv + 1, argv + argc}, std::cout, std::cerr);
}
