#include <memory>

#include <verge/cli/command.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/shell.hpp>

namespace verge::cli::commands {
namespace {

Action declare(Parser& parser, Context& context) {
  auto shell = std::make_shared<std::string>();
  parser.add_option("SHELL", *shell, "bash, zsh or fish").required();
  return [shell, &context]() -> Status {
    if (print_completion(*context.root, *shell, context.out)) return {};
    return make_error(Code::InvalidArgument, "no completion for shell {}; use bash, zsh or fish",
                      *shell);
  };
}

}  // namespace

Command completion() {
  return {"completion", "Shell", "Print a completion script for a shell",
          "  verge completion bash > ~/.local/share/bash-completion/completions/verge", declare};
}

}  // namespace verge::cli::commands
