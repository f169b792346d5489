#pragma once
// Options: "COMMAND WORD... --name value --flag", as the peers' drivers take them. Throws
// std::invalid_argument on wrong use; main() turns that into exit status 2.

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

class Options {
 public:
  /// `flags` are the options that take no value.
  Options(int argc, char** argv, const std::set<std::string>& flags) {
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      if (word.size() < 2 || word[0] != '-') {
        words_.push_back(word);
      } else if (flags.count(word) > 0) {
        values_[word] = "";
      } else if (i + 1 < argc) {
        values_[word] = argv[++i];
      } else {
        throw std::invalid_argument(word + " needs a value");
      }
    }
  }

  bool has(const std::string& name) const { return values_.count(name) > 0; }
  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  int number(const std::string& name, int otherwise) const {
    return has(name) ? std::stoi(values_.at(name)) : otherwise;
  }
  /// "1,2,3"
  std::vector<int32_t> numbers(const std::string& name) const {
    std::vector<int32_t> result;
    std::istringstream stream(text(name, ""));
    for (std::string part; std::getline(stream, part, ',');) result.push_back(std::stoi(part));
    return result;
  }
  /// The index-th word; word(0) is the command.
  const std::string& word(size_t index) const {
    if (index >= words_.size()) throw std::invalid_argument("too few arguments");
    return words_[index];
  }

 private:
  std::vector<std::string> words_;
  std::map<std::string, std::string> values_;
};
