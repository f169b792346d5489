#include <thread>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/core/clock.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  double wait_s = 0;
};

// Until the running node has said that its last work ended.
Result<fleet::Activity> wait_for_pause(const fleet::NodeBook& book, double wait_s) {
  const SystemClock clock;
  const double end_s = clock.seconds() + wait_s;
  for (;;) {
    VERGE_TRY(const fleet::Activity activity, book.activity());
    if (activity == fleet::Activity::Paused || clock.seconds() >= end_s) return activity;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  VERGE_TRY(fleet::Activity activity, book.activity());
  if (activity == fleet::Activity::Running) {
    VERGE_RETURN_IF_ERROR(book.set_activity(fleet::Activity::Draining));
  }
  VERGE_TRY(activity, wait_for_pause(book, options.wait_s));
  if (context.json) {
    print_json_line({{"activity", fleet::name(activity)}}, context.out);
  } else if (activity == fleet::Activity::Paused) {
    context.out << "paused: no work is left\n";
  } else {
    context.out << "draining: no new work is taken; `verge node list` says when it is paused\n";
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("--wait", options->wait_s, "Seconds to wait for the last work to end")
      .not_negative();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_pause() {
  return {"node pause", "Everyday", "Let this node's work end and take no more",
          "  verge node pause\n"
          "  verge node pause --wait 60",
          declare};
}

}  // namespace verge::cli::commands
