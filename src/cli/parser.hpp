#pragma once
// Parser: where a command declares its options. A thin face of CLI11, whose headers take five
// seconds to compile and are therefore included by parser.cpp, application.cpp and shell.cpp only.
//
//   parser.add_option("-n,--tokens", options->tokens, "Most tokens to answer");
//   parser.add_option("MODEL", options->model, "A GGUF file").required();
//   parser.add_flag("--echo", options->echo, "Print the prompt");
//
// What the variables hold is the default and is shown in --help; they must outlive the parsing.

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace verge::cli {

/// One declared option; a handle, free to copy.
class Option {
 public:
  Option required() const;
  /// The heading in --help.
  Option group(const std::string& name) const;
  Option one_of(const std::vector<std::string>& values) const;
  Option positive() const;
  Option not_negative() const;
  /// Taken from this environment variable when not given.
  Option environment(const std::string& variable) const;
  /// A list in one word: "1,2,3".
  Option separated_by(char separator) const;
  /// A list by repeating the option, one value each time.
  Option repeated() const;
  /// Whether it was said, be it with an empty text.
  bool is_given() const;
  /// A list of exactly so many words.
  Option words(int count) const;

 private:
  friend class Parser;
  explicit Option(CLI::Option* option) : option_(option) {}
  CLI::Option* option_;
};

class Parser {
 public:
  explicit Parser(CLI::App& app) : app_(app) {}

  /// Names as "-n,--tokens", or one in capitals for a positional. T: std::string, int, int64_t,
  /// uint64_t, float, double, or a vector of strings, int64_t or double.
  template <typename T>
  Option add_option(const std::string& names, T& value, const std::string& text);
  Option add_flag(const std::string& names, bool& value, const std::string& text);

 private:
  CLI::App& app_;
};

}  // namespace verge::cli
