#pragma once
// Leaves an environment variable as it was before a test set it.

#include <cstdlib>
#include <optional>
#include <string>

namespace verge::test {

class Kept {
 public:
  explicit Kept(const char* variable) : variable_(variable) {
    if (const char* value = std::getenv(variable)) value_ = value;
  }
  Kept(const Kept&) = delete;
  ~Kept() {
    if (value_) {
      ::setenv(variable_, value_->c_str(), 1);
    } else {
      ::unsetenv(variable_);
    }
  }

 private:
  const char* variable_;
  std::optional<std::string> value_;
};

}  // namespace verge::test
