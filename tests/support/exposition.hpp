#pragma once
// A reader of Prometheus' text exposition format, strict where the format is: one HELP and one TYPE
// a family and before its samples, escapes, one value a line.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace verge::test {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct ExpositionFamily {
  std::string name, help, type;
  std::vector<Sample> samples;
};

class Exposition {
 public:
  /// Empty when the text breaks the format; `error()` then has the line.
  static Exposition parse(const std::string& text) {
    Exposition result;
    std::istringstream lines(text);
    if (!text.empty() && text.back() != '\n') result.error_ = "no newline at the end";
    for (std::string line; result.error_.empty() && std::getline(lines, line);) {
      if (!result.take(line)) result.error_ = line;
    }
    return result;
  }

  const std::string& error() const { return error_; }
  const std::vector<ExpositionFamily>& families() const { return families_; }

  const ExpositionFamily* family(std::string_view name) const {
    const auto at = std::ranges::find(families_, name, &ExpositionFamily::name);
    return at == families_.end() ? nullptr : &*at;
  }

  /// The value of one series, or nothing.
  std::optional<double> value(std::string_view name,
                              const std::map<std::string, std::string>& labels = {}) const {
    for (const ExpositionFamily& family : families_) {
      for (const Sample& sample : family.samples) {
        if (sample.name == name && sample.labels == labels) return sample.value;
      }
    }
    return std::nullopt;
  }

 private:
  bool take(const std::string& line) {
    if (line.starts_with("# HELP ")) return take_help(line.substr(7));
    if (line.starts_with("# TYPE ")) return take_type(line.substr(7));
    return take_sample(line);
  }

  bool take_help(const std::string& rest) {
    const size_t space = rest.find(' ');
    if (space == std::string::npos || family(rest.substr(0, space)) != nullptr) return false;
    size_t at = space + 1;
    std::string help;
    if (!unescape(rest, at, '\0', help)) return false;
    families_.push_back({rest.substr(0, space), help, "", {}});
    return true;
  }

  bool take_type(const std::string& rest) {
    const size_t space = rest.find(' ');
    if (space == std::string::npos || families_.empty()) return false;
    ExpositionFamily& last = families_.back();
    if (last.name != rest.substr(0, space) || !last.type.empty()) return false;
    last.type = rest.substr(space + 1);
    return last.type == "counter" || last.type == "gauge" || last.type == "histogram";
  }

  bool take_sample(const std::string& line) {
    if (families_.empty() || families_.back().type.empty()) return false;
    ExpositionFamily& last = families_.back();
    Sample sample;
    size_t at = line.find_first_of(" {");
    if (at == std::string::npos) return false;
    sample.name = line.substr(0, at);
    if (line[at] == '{' && !take_labels(line, ++at, sample.labels)) return false;
    if (at >= line.size() || line[at] != ' ') return false;
    char* end = nullptr;
    sample.value = std::strtod(line.c_str() + at + 1, &end);
    const std::string suffix = sample.name.substr(std::min(sample.name.size(), last.name.size()));
    const bool is_own =
        sample.name.starts_with(last.name) &&
        (last.type == "histogram" ? suffix == "_bucket" || suffix == "_sum" || suffix == "_count"
                                  : suffix.empty());
    last.samples.push_back(sample);
    return is_own && *end == '\0';
  }

  // From behind "{" to behind "}".
  static bool take_labels(const std::string& line, size_t& at,
                          std::map<std::string, std::string>& labels) {
    while (at < line.size() && line[at] != '}') {
      const size_t equals = line.find("=\"", at);
      if (equals == std::string::npos) return false;
      std::string value;
      const std::string name = line.substr(at, equals - at);
      at = equals + 2;
      if (!unescape(line, at, '"', value) || !labels.emplace(name, value).second) return false;
      if (at < line.size() && line[at] == ',') ++at;
    }
    return at < line.size() && line[at++] == '}';
  }

  // Reads to behind `end`, or to the end of the line for '\0'.
  static bool unescape(const std::string& line, size_t& at, char end, std::string& out) {
    for (; at < line.size() && (end == '\0' || line[at] != end); ++at) {
      if (line[at] != '\\') {
        out += line[at];
        continue;
      }
      if (++at == line.size()) return false;
      if (line[at] == 'n') {
        out += '\n';
      } else if (line[at] == '\\' || (line[at] == '"' && end == '"')) {
        out += line[at];
      } else {
        return false;
      }
    }
    if (end == '\0') return true;
    return at < line.size() && line[at++] == end;
  }

  std::vector<ExpositionFamily> families_;
  std::string error_;
};

}  // namespace verge::test
