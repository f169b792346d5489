#pragma once
// ConfigFile: the user's defaults, a TOML file with a table for each command and a key for each of
// its options: [run] temp = 0.3, [model.list] json = true. The command line is stronger, then the
// environment, then the file.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace verge::cli {

class ConfigFile {
 public:
  /// Gives `root` its --config. Commands may still be declared.
  explicit ConfigFile(CLI::App& root);

  /// Once the command line has been parsed: what is wrong with the file. The error names file,
  /// line, key and the nearest known key.
  Status status() const;

  struct Setting {
    std::string table, key;
    std::string value;   // as TOML
    std::string origin;  // "default", "config.toml:3", "$VERGE_ISA", "command line"
  };
  /// All keys of all commands, as they hold. `root` is one that a ConfigFile was made for.
  static std::vector<Setting> settings(const CLI::App& root);
  /// Whether the command line itself says this key of the command that runs: what the file says is
  /// for all models.
  static bool is_on_command_line(const CLI::App& root, std::string_view key);

 private:
  class Reader;
  std::shared_ptr<Reader> reader_;
};

/// "near it: a, b" by core/nearest_names.hpp, or `otherwise`.
std::string near_it(const std::string& name, const std::vector<std::string>& known,
                    const std::string& otherwise);

}  // namespace verge::cli
