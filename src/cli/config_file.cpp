#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <verge/cli/config_file.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/user_folder.hpp>
#include <verge/core/nearest_names.hpp>

namespace verge::cli {
namespace {

std::string default_path() {
  if (const char* path = std::getenv("VERGE_CONFIG")) return path;
  const std::string folder = user_folder("XDG_CONFIG_HOME", ".config");
  return (folder.empty() ? "./.config/verge" : folder) + "/config.toml";
}

// The name of an option's key: its long name where it has one.
std::string key_of(const CLI::Option& option) {
  if (!option.get_configurable()) return "";
  if (!option.get_lnames().empty()) return option.get_lnames().front();
  if (!option.get_snames().empty()) return option.get_snames().front();
  return option.get_name(true);
}

std::vector<std::string> keys_of(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    if (const std::string key = key_of(*option); !key.empty()) keys.push_back(key);
  }
  for (const CLI::App* sub : command.get_subcommands(nullptr)) keys.push_back(sub->get_name());
  return keys;
}

CLI::Option* option_of(CLI::App& command, const std::string& key) {
  for (CLI::Option* option : command.get_options()) {
    if (key_of(*option) == key) return option;
  }
  return nullptr;
}

CLI::App* command_of(CLI::App& parent, const std::string& name) {
  for (CLI::App* sub : parent.get_subcommands(nullptr)) {
    if (sub->get_name() == name) return sub;
  }
  return nullptr;
}

bool is_flag(const CLI::Option& option) {
  return option.get_expected_min() == 0;
}

bool from_environment(const CLI::Option& option) {
  const std::string variable = option.get_envname();
  const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
  return value != nullptr && *value != '\0';
}

// What the command line would say; nothing for a table, an array of arrays or a date.
std::optional<std::string> word(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

std::optional<std::vector<std::string>> words(const toml::node& node) {
  const auto* array = node.as_array();
  std::vector<std::string> all;
  for (size_t i = 0; i < (array != nullptr ? array->size() : 1); ++i) {
    const auto one = word(array != nullptr ? *array->get(i) : node);
    if (!one) return std::nullopt;
    all.push_back(*one);
  }
  return all;
}

// Numbers and truth as they are; everything else as a string.
std::string literal(const std::string& text) {
  std::istringstream source("x = " + text);
  try {
    const toml::table table = toml::parse(source);
    const toml::node* value = table.get("x");
    if (table.size() == 1 && (value->is_number() || value->is_boolean())) return text;
  } catch (const toml::parse_error&) {  // is a string, then
  }
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);  // TOML has these escapes
}

std::string value_of(const CLI::Option& option) {
  if (option.empty()) return is_flag(option) ? "false" : literal(option.get_default_str());
  std::vector<std::string> values;
  for (const std::string& text : option.results()) values.push_back(literal(text));
  if (values.size() == 1) return values.front();
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

std::string near_it(const std::string& name, const std::vector<std::string>& known,
                    const std::string& otherwise) {
  const std::vector<std::string> near = nearest_names(name, known);
  return near.empty() ? otherwise : fmt::format("near it: {}", fmt::join(near, ", "));
}

class ConfigFile::Reader : public CLI::Config {
 public:
  explicit Reader(CLI::App& root) : root_(root) {}

  // CLI11 calls this once the words of the command line have been read. The values are handed on
  // here, where their lines are known; there is nothing left for CLI11 to do.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    path_ = root_.get_config_ptr()->as<std::string>();
    try {
      const toml::table table = toml::parse(input, path_);
      status_ = read(table, root_, "");
    } catch (const toml::parse_error& error) {
      status_ = make_error(Code::InvalidArgument, "{}:{}: is no TOML: {}", path_,
                           error.source().begin.line, error.description());
    }
    return {};
  }

  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }

  const Status& status() const { return status_; }

  void collect(const CLI::App& command, const std::string& table,
               std::vector<Setting>& settings) const {
    for (const CLI::Option* option : command.get_options()) {
      const std::string key = key_of(*option);
      if (key.empty() || option->get_positional()) continue;
      const bool set = set_flags_.contains(option);
      settings.push_back({table, key, set ? "true" : value_of(*option), origin(*option)});
    }
    for (const CLI::App* sub : command.get_subcommands(nullptr)) {
      collect(*sub, table.empty() ? sub->get_name() : table + "." + sub->get_name(), settings);
    }
  }

 private:
  std::string origin(const CLI::Option& option) const {
    if (const auto line = lines_.find(&option); line != lines_.end()) {
      return fmt::format("{}:{}", path_, line->second);
    }
    if (option.empty()) return "default";
    return from_environment(option) ? "$" + option.get_envname() : "command line";
  }

  Status read(const toml::table& table, CLI::App& command, const std::string& name) const {
    for (const auto& [key, node] : table) {
      const std::string text(key.str());
      if (CLI::App* sub = command_of(command, text); sub != nullptr && node.is_table()) {
        const std::string inner = name.empty() ? text : name + "." + text;
        VERGE_RETURN_IF_ERROR(read(*node.as_table(), *sub, inner));
        continue;
      }
      CLI::Option* option = option_of(command, text);
      if (option == nullptr) return unknown(text, key.source().begin.line, command, name);
      VERGE_RETURN_IF_ERROR(set(*option, command, text, node));
    }
    return {};
  }

  Error unknown(const std::string& key, uint32_t line, const CLI::App& command,
                const std::string& table) const {
    if (table.empty()) {
      return make_error(Code::InvalidArgument, "{}:{}: no command is named {}; {}", path_, line,
                        key,
                        near_it(key, keys_of(command), "keys stand in a table of their command"));
    }
    return make_error(Code::InvalidArgument, "{}:{}: [{}] has no key {}; {}", path_, line, table,
                      key, near_it(key, keys_of(command), "`verge config show` prints all keys"));
  }

  Status set(CLI::Option& option, const CLI::App& command, const std::string& key,
             const toml::node& node) const {
    const uint32_t line = node.source().begin.line;
    const auto refuse = [&](const std::string& why) {
      return make_error(Code::InvalidArgument, "{}:{}: {}: {}", path_, line, key, why);
    };
    const auto values = words(node);
    if (!values) return refuse("give a string, a number, true, false, or an array of these");
    if (is_flag(option) && !node.is_boolean()) return refuse("give true or false");
    if (!option.empty() || from_environment(option)) return {};
    lines_[&option] = line;
    if (is_flag(option)) {
      // One variable may stand for the flag of all commands: it is set for the one that runs.
      if (*node.value<bool>()) set_flags_.insert(&option);
      if (*node.value<bool>() && command.count() > 0) option.add_result("true");
      return {};
    }
    try {
      option.add_result(*values);
      option.run_callback();
    } catch (const CLI::ParseError& error) {
      option.clear();  // else it is tried once more, before --help is heard
      return refuse(error.what());
    }
    return {};
  }

  CLI::App& root_;
  // CLI11 reads by a const function.
  mutable std::string path_;
  mutable Status status_;
  mutable std::map<const CLI::Option*, uint32_t> lines_;
  mutable std::set<const CLI::Option*> set_flags_;
};

ConfigFile::ConfigFile(CLI::App& root) : reader_(std::make_shared<Reader>(root)) {
  root.set_config("--config", default_path(), "TOML file of defaults; a table for each command");
  root.config_formatter(reader_);
}

Status ConfigFile::status() const {
  return reader_->status();
}

std::vector<ConfigFile::Setting> ConfigFile::settings(const CLI::App& root) {
  const auto reader = std::dynamic_pointer_cast<const Reader>(root.get_config_formatter());
  VERGE_CHECK(reader != nullptr);
  std::vector<Setting> all;
  reader->collect(root, "", all);
  return all;
}

bool ConfigFile::is_on_command_line(const CLI::App& root, std::string_view key) {
  return std::ranges::any_of(settings(root), [&](const Setting& setting) {
    return setting.key == key && setting.origin == "command line";
  });
}

}  // namespace verge::cli
