#pragma once
// Gives std::cin a text for as long as it lives.

#include <iostream>
#include <sstream>
#include <string>

namespace verge::test {

class StandardInput {
 public:
  explicit StandardInput(const std::string& text)
      : text_(text), before_(std::cin.rdbuf(text_.rdbuf())) {
    std::cin.clear();
  }
  ~StandardInput() {
    std::cin.rdbuf(before_);
    std::cin.clear();
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  std::istringstream text_;
  std::streambuf* before_;
};

}  // namespace verge::test
