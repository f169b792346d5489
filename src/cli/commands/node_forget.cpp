#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  std::string name;
};

Status execute(const Options& options, Context& context) {
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  VERGE_RETURN_IF_ERROR(book.forget(options.name));
  if (context.json) {
    print_json_line({{"forgotten", options.name}}, context.out);
  } else {
    context.out << "forgot " << options.name << "; its certificate stays valid\n";
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("NAME", options->name, "A node of `verge node list`").required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_forget() {
  return {"node forget", "Everyday", "Remove a node from the list of those met",
          "  verge node forget phone", declare};
}

}  // namespace verge::cli::commands
