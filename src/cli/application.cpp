#include <filesystem>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>
#include <poll.h>
#include <unistd.h>

#include <verge/cli/application.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/config_file.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/nearest_names.hpp>

namespace verge::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

// Whether standard output is a pipe that nobody reads any more.
bool reader_has_gone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

class Application {
 public:
  Application(std::ostream& out, std::ostream& err, int terminal_columns)
      : app_("Runs, fits, adapts and operates AI models.", "verge"),
        config_(app_),
        context_{out, err, &app_} {
    context_.terminal_columns = terminal_columns;
    app_.set_version_flag("--version", "verge " VERGE_VERSION);
    app_.require_subcommand(0, 1);
    app_.get_formatter()->column_width(34);
    for (const Command& command : commands::table()) declare(command);
  }

  int run(std::vector<std::string> arguments) {
    context_.command_line = fmt::format("verge {}", fmt::join(arguments, " "));
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::Success&) {
      return app_.exit(CLI::CallForHelp(), context_.out, context_.err);
    } catch (const CLI::ParseError& error) {
      return parse_failed(error);
    }
    if (const Status status = config_.status(); !status) {
      context_.err << "verge: " << status.error().message << "\n";
      return kWrongUse;
    }
    return run_parsed();
  }

 private:
  void declare(const Command& command) {
    CLI::App* parent = &app_;
    std::string_view name = command.name;
    if (const size_t space = name.find(' '); space != std::string_view::npos) {
      parent = noun(std::string(name.substr(0, space)), command);
      name.remove_prefix(space + 1);
      const std::string others = parent->get_description();
      parent->description(others + (others.empty() ? "" : ", ") + std::string(name));
    }
    CLI::App* sub = parent->add_subcommand(std::string(name), std::string(command.summary));
    sub->group(std::string(command.group));
    sub->footer("Examples:\n" + std::string(command.example));
    sub->add_flag("--json", context_.json, "Print one JSON object");
    sub->add_flag("--quiet", context_.quiet, "Print no progress");
    Parser parser(*sub);
    actions_[sub] = command.declare(parser, context_);
  }

  CLI::App* noun(const std::string& name, const Command& command) {
    for (CLI::App* known : app_.get_subcommands(nullptr)) {
      if (known->get_name() == name) return known;
    }
    CLI::App* sub = app_.add_subcommand(name);
    sub->group(std::string(command.group))->require_subcommand(1);
    return sub;
  }

  int parse_failed(const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error, context_.out, context_.err);
    CLI::App* chosen = parsed();
    const Status config = config_.status();
    const std::string unknown = unknown_word(chosen != nullptr ? *chosen : app_);
    context_.err << "verge: "
                 << (!config           ? config.error().message
                     : unknown.empty() ? error.what()
                                       : unknown)
                 << "\n";
    context_.err << "Try: verge " << (chosen != nullptr ? command_line(chosen) + " " : "")
                 << "--help\n";
    return kWrongUse;
  }

  // "--tempp is no option; did you mean --temp?", where a near one is known.
  static std::string unknown_word(const CLI::App& command) {
    const std::vector<std::string> rest = command.remaining();
    if (rest.empty()) return "";
    const std::string word = rest.front().substr(0, rest.front().find('='));
    const bool is_option = word.starts_with("-");
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options()) {
      if (!is_option) break;
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    for (const CLI::App* sub : command.get_subcommands(nullptr)) {
      if (!is_option) known.push_back(sub->get_name());
    }
    const std::vector<std::string> near = nearest_names(word, known);
    if (near.empty()) return "";
    return fmt::format("{} is no {}; did you mean {}?", word, is_option ? "option" : "command",
                       fmt::join(near, " or "));
  }

  // The deepest subcommand that the arguments named.
  CLI::App* parsed() {
    CLI::App* chosen = nullptr;
    for (auto chain = app_.get_subcommands(); !chain.empty(); chain = chosen->get_subcommands()) {
      chosen = chain.front();
    }
    return chosen;
  }

  static std::string command_line(const CLI::App* app) {
    std::string line = app->get_name();
    for (const CLI::App* up = app->get_parent(); up != nullptr && up->get_parent() != nullptr;
         up = up->get_parent()) {
      line = up->get_name() + " " + line;
    }
    return line;
  }

  int run_parsed() {
    CLI::App* chosen = parsed();
    if (chosen == nullptr) {
      context_.out << app_.help();
      return 0;
    }
    Status status;
    try {
      status = actions_.at(chosen)();
    } catch (const InternalError& error) {
      status = Error{Code::Internal, std::string("a bug in verge: ") + error.what()};
    } catch (const std::bad_alloc&) {
      status = Error{Code::OutOfMemory, "out of memory; use a smaller model or --context"};
    } catch (const std::filesystem::filesystem_error& error) {
      status = Error{Code::Io, error.what()};
    }
    if (status && !context_.out.flush()) {
      if (reader_has_gone()) return kFailed;  // as `| head` does: no fault of anyone
      status = Error{Code::Io, "cannot write the output: disk full or not writable"};
    }
    if (status) return 0;
    context_.err << "verge " << command_line(chosen) << ": " << status.error().message << "\n";
    return exit_status(status.error().code);
  }

  CLI::App app_;
  ConfigFile config_;
  Context context_;
  std::map<const CLI::App*, Action> actions_;
};

}  // namespace

int run_application(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err,
                    int terminal_columns) {
  return Application(out, err, terminal_columns).run(arguments);
}

}  // namespace verge::cli
