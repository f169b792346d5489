#include <csignal>
#include <iostream>

#include <sys/ioctl.h>
#include <unistd.h>

#include <verge/cli/application.hpp>

namespace {

int terminal_columns(int descriptor) {
  if (::isatty(descriptor) == 0) return 0;
  winsize size{};
  const bool known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe and a limit on file sizes are failed writes, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return verge::cli::run_application({argv + 1, argv + argc}, std::cout, std::cerr,
                                     terminal_columns(STDERR_FILENO));
}
