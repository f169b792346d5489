#pragma once
// What a shell and a manual need of the command line, generated from the parser itself.

#include <iosfwd>
#include <string_view>

namespace CLI {
class App;
}

namespace verge::cli {

/// A completion script for "bash", "zsh" or "fish"; returns false for another shell.
bool print_completion(const CLI::App& root, std::string_view shell, std::ostream& out);

/// verge(1) in the man macro language.
void print_man_page(const CLI::App& root, std::ostream& out);

}  // namespace verge::cli
