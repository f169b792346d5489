#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  net::Invitation invitation;
  int64_t minutes = 60;
  int64_t days = 365;
};

Status execute(Options options, Context& context) {
  VERGE_TRY(const net::Authority authority, options.home.authority());
  VERGE_TRY(net::TokenBook tokens, options.home.tokens());
  options.invitation.until_unix_s = unix_time_s() + options.minutes * 60;
  options.invitation.certificate_life_s = options.days * 86400;
  VERGE_TRY(const net::JoinToken token, tokens.issue(options.invitation, authority.fingerprint()));
  if (context.json) {
    print_json_line({{"node", options.invitation.node},
                     {"token", token.text()},
                     {"until_unix_s", options.invitation.until_unix_s}},
                    context.out);
    return {};
  }
  context.out << token.text() << "\n";
  context.err << fmt::format(
      "Valid once, for {} minutes. While `verge node start` runs here, on the other machine:\n"
      "  verge node join HOST:PORT {}\n",
      options.minutes, token.text());
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("NAME", options->invitation.node, "Name of the new node").required();
  parser.add_option("--host", options->invitation.hosts, "A name or address others dial it by")
      .repeated();
  parser.add_option("--minutes", options->minutes, "How long the token is valid").positive();
  parser.add_option("--days", options->days, "How long its certificate is valid").positive();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_invite() {
  return {"node invite", "Everyday", "Make a token with which one new node can join the fleet",
          "  verge node invite phone\n"
          "  verge node invite edge-1 --host edge-1.example --minutes 10",
          declare};
}

}  // namespace verge::cli::commands
