#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>

namespace verge::cli::commands {
namespace {

Status execute(const NodeHome& home, Context& context) {
  VERGE_TRY(fleet::NodeBook book, home.book());
  VERGE_RETURN_IF_ERROR(book.set_activity(fleet::Activity::Running));
  if (context.json) {
    print_json_line({{"activity", fleet::name(fleet::Activity::Running)}}, context.out);
  } else {
    context.out << "takes work again\n";
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto home = std::make_shared<NodeHome>();
  home->declare(parser);
  return [home, &context] { return execute(*home, context); };
}

}  // namespace

Command node_resume() {
  return {"node resume", "Everyday", "Take work again after a pause", "  verge node resume",
          declare};
}

}  // namespace verge::cli::commands
