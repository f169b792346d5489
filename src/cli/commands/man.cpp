
#include <verge/cli/command.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/shell.hpp>

namespace verge::cli::commands {
namespace {

Action declare(Parser&, Context& context) {
  return [&context]() -> Status {
    print_man_page(*context.root, context.out);
    return {};
  };
}

}  // namespace

Command man() {
  return {"man", "Shell", "Print the manual page", "  verge man | man -l -", declare};
}

}  // namespace verge::cli::commands
