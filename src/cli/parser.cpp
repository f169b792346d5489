#include <type_traits>

#include <CLI/CLI.hpp>

#include <verge/cli/parser.hpp>

namespace verge::cli {
namespace {

std::string refuse_sign(const std::string& text) {
  return text.starts_with('-') ? text + " is negative; give 0 or more" : "";
}

}  // namespace

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::group(const std::string& name) const {
  option_->group(name);
  return *this;
}

Option Option::one_of(const std::vector<std::string>& values) const {
  option_->check(CLI::IsMember(values));
  return *this;
}

Option Option::positive() const {
  option_->check(CLI::PositiveNumber);
  return *this;
}

Option Option::not_negative() const {
  option_->check(CLI::NonNegativeNumber);
  return *this;
}

Option Option::environment(const std::string& variable) const {
  option_->envname(variable);
  return *this;
}

Option Option::separated_by(char separator) const {
  option_->delimiter(separator);
  return *this;
}

Option Option::repeated() const {
  option_->allow_extra_args(false);
  return *this;
}

bool Option::is_given() const {
  return option_->count() > 0;
}

Option Option::words(int count) const {
  option_->expected(count);
  return *this;
}

template <typename T>
Option Parser::add_option(const std::string& names, T& value, const std::string& text) {
  CLI::Option* option = app_.add_option(names, value, text);
  // CLI11 wraps a negative number around.
  if constexpr (std::is_unsigned_v<T>) option->check(CLI::Validator(refuse_sign, ""));
  if constexpr (std::is_arithmetic_v<T>) {
    option->capture_default_str();
  } else if (!value.empty()) {
    option->capture_default_str();
  }
  return Option(option);
}

Option Parser::add_flag(const std::string& names, bool& value, const std::string& text) {
  return Option(app_.add_flag(names, value, text));
}

template Option Parser::add_option(const std::string&, std::string&, const std::string&);
template Option Parser::add_option(const std::string&, int&, const std::string&);
template Option Parser::add_option(const std::string&, int64_t&, const std::string&);
template Option Parser::add_option(const std::string&, uint64_t&, const std::string&);
template Option Parser::add_option(const std::string&, float&, const std::string&);
template Option Parser::add_option(const std::string&, double&, const std::string&);
template Option Parser::add_option(const std::string&, std::vector<std::string>&,
                                   const std::string&);
template Option Parser::add_option(const std::string&, std::vector<int64_t>&, const std::string&);
template Option Parser::add_option(const std::string&, std::vector<double>&, const std::string&);

}  // namespace verge::cli
