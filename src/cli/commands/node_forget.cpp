#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  std::string name;
};

// At the authority its certificates are revoked. How many those are.
Result<int64_t> revoke(const Options& options) {
  if (!options.home.has_authority()) return 0;
  VERGE_TRY(const net::Credentials own, options.home.credentials());
  if (own.facts().node == options.name) {
    return make_error(Code::InvalidArgument, "{} is this node itself; forget another one",
                      options.name);
  }
  VERGE_TRY(net::TokenBook tokens, options.home.tokens());
  return tokens.revoke(options.name, unix_time_s());
}

std::string_view outcome_of(const Options& options, int64_t revoked) {
  if (revoked > 0) {
    return "its certificate is revoked: this node lets it in no more, others once they have asked "
           "the authority";
  }
  return options.home.has_authority()
             ? "no certificate of it is known here: one that it has is not renewed, and is revoked "
               "once it asks the authority"
             : "its certificate stays valid, unless it is forgotten at the authority";
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  VERGE_TRY(const int64_t revoked, revoke(options));
  const Status forgotten = book.forget(options.name);
  if (!forgotten && revoked == 0) return forgotten;
  if (context.json) {
    print_json_line({{"forgotten", options.name}, {"revoked", revoked}}, context.out);
  } else {
    context.out << fmt::format("forgot {}; {}\n", options.name, outcome_of(options, revoked));
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
  return {"node forget", "Everyday", "Remove a node; at the authority, revoke its certificate",
          "  verge node forget phone", declare};
}

}  // namespace verge::cli::commands
