#pragma once
// Command: one verb of the command line, in one file of commands/. It declares its options, and
// returns what to do once they are parsed. Commands parse, call and print; what they call lives in
// the stages.

#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>

namespace CLI {
class App;
}

namespace verge::cli {

class Parser;

/// What main owns and hands to every command.
struct Context {
  std::ostream& out;           // results
  std::ostream& err;           // progress and warnings
  const CLI::App* root;        // the whole command line, for completion and the man page
  std::string command_line{};  // as it was called, for lineage
  bool json = false;           // print one JSON object instead of text
  bool quiet = false;          // no progress
  int terminal_columns = 0;    // of the terminal that err is; 0: err is none
};

using Action = std::function<Status()>;

struct Command {
  std::string_view name;     // "run", or "model list" for a verb below a noun
  std::string_view group;    // heading in --help
  std::string_view summary;  // one line, starts with a verb
  std::string_view example;  // command lines, shown by --help
  /// Declares the options; the returned action runs after parsing.
  Action (*declare)(Parser& parser, Context& context);
};

namespace commands {
std::span<const Command> table();  // generated from the files of commands/
}

}  // namespace verge::cli
