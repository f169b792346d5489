#include <verge/cli/command.hpp>
#include <verge/cli/config_file.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>

namespace verge::cli::commands {
namespace {

using Settings = std::vector<ConfigFile::Setting>;

void print_toml(const Settings& settings, std::ostream& out) {
  std::string table;
  for (const ConfigFile::Setting& setting : settings) {
    if (setting.table != table) {
      out << fmt::format("{}[{}]\n", table.empty() ? "" : "\n", setting.table);
    }
    table = setting.table;
    // An empty default stands for "not given", which no value in a file can say.
    const bool is_absent = setting.origin == "default" && setting.value == "\"\"";
    out << fmt::format("{:<40} # {}\n",
                       (is_absent ? "# " : "") + setting.key + " = " + setting.value,
                       setting.origin);
  }
}

void print_json(const Settings& settings, std::ostream& out) {
  Json list = Json::array();
  for (const ConfigFile::Setting& setting : settings) {
    list.push_back({{"table", setting.table},
                    {"key", setting.key},
                    {"value", setting.value},
                    {"origin", setting.origin}});
  }
  print_json_line({{"settings", list}}, out);
}

struct Options {
  std::vector<std::string> command;
  bool changed = false;
};

Status execute(const Options& options, Context& context) {
  std::string wanted;
  for (const std::string& word : options.command) wanted += (wanted.empty() ? "" : ".") + word;
  Settings shown;
  std::vector<std::string> tables;
  for (const ConfigFile::Setting& setting : ConfigFile::settings(*context.root)) {
    tables.push_back(setting.table);
    const bool inside =
        wanted.empty() || setting.table == wanted || setting.table.starts_with(wanted + ".");
    const bool is_own = setting.origin == "command line";  // of this very command
    const bool is_wanted = !options.changed || setting.origin != "default";
    if (inside && is_wanted && !is_own) shown.push_back(setting);
  }
  const bool known = wanted.empty() || std::ranges::any_of(tables, [&](const std::string& table) {
                       return table == wanted || table.starts_with(wanted + ".");
                     });
  if (!known) {
    return make_error(Code::InvalidArgument, "no command is named {}; {}", wanted,
                      near_it(wanted, tables, "`verge --help` lists them"));
  }
  context.json ? print_json(shown, context.out) : print_toml(shown, context.out);
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("COMMAND", options->command, "Only of this command, as `run` or `model list`");
  parser.add_flag("--changed", options->changed, "Only what is not the default");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command config_show() {
  return {"config show", "Shell", "Print every option's value and where it comes from",
          "  verge config show --changed\n"
          "  verge config show run > run.toml",
          declare};
}

}  // namespace verge::cli::commands
