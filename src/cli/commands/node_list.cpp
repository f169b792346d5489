#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/cli/node_report.hpp>

namespace verge::cli::commands {
namespace {

Status execute(const NodeHome& home, Context& context) {
  VERGE_TRY(const net::Credentials own, home.credentials());
  VERGE_TRY(const fleet::NodeBook book, home.book());
  VERGE_TRY(const fleet::Activity activity, book.activity());
  VERGE_TRY(const std::vector<fleet::KnownNode> nodes, book.nodes());
  if (context.json) {
    Json list = Json::array();
    for (const fleet::KnownNode& node : nodes) list.push_back(to_json(node));
    print_json_line(
        {{"node", own.facts().node}, {"activity", fleet::name(activity)}, {"known", list}},
        context.out);
    return {};
  }
  context.out << fmt::format("this node: {} of {}, {}\n", own.facts().node, own.facts().fleet,
                             fleet::name(activity));
  if (nodes.empty()) {
    context.out << "no other node was met yet; `verge node doctor HOST:PORT` meets one\n";
  } else {
    print_nodes(nodes, unix_time_s(), context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto home = std::make_shared<NodeHome>();
  home->declare(parser);
  return [home, &context] { return execute(*home, context); };
}

}  // namespace

Command node_list() {
  return {"node list", "Everyday", "List the nodes that this one has met",
          "  verge node list\n"
          "  verge node list --json",
          declare};
}

}  // namespace verge::cli::commands
