#pragma once
// C of the tokenizer's parts as functions of this process, and texts that are hard for them.

#include <random>
#include <string>
#include <vector>

#include <verge/engine/emit/program_parts.hpp>
#include <verge/engine/text/tokenizer.hpp>

#include "c_check.hpp"

namespace verge::emit {

/// A source compiled as strictly as compilers can; its static functions are reached by others.
class CText {
 public:
  explicit CText(const std::string& code) {
    const std::string source =
        "#include <math.h>\n#include <stdint.h>\n#include <stdlib.h>\n#include <string.h>\n"
        "#include <unistd.h>\n" +
        code;
    folder_.add("net.c", source);
    const std::string library = folder_ / "net.so";
    EXPECT_EQ(std::system((kOwnCompiler + kStrictC + "-O1 -shared -fPIC -o " + library + " " +
                           folder_ / "net.c")
                              .c_str()),
              0);
    expect_strict_c(folder_);
    handle_ = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle_, nullptr) << ::dlerror();
  }
  ~CText() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  CText(const CText&) = delete;
  CText& operator=(const CText&) = delete;

  template <typename Function>
  Function* function(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(handle_, name));
  }

 private:
  test::TemporaryFolder folder_;
  void* handle_ = nullptr;
};

/// Texts of pieces that meet each other in any order, some of them broken.
inline std::vector<std::string> hard_texts(size_t count, std::vector<std::string> more = {}) {
  std::vector<std::string> pieces = {"a",
                                     "b",
                                     "the",
                                     "The",
                                     " ",
                                     " ",
                                     "  ",
                                     "\t",
                                     "\n",
                                     "\r\n",
                                     "1",
                                     "23",
                                     "4567",
                                     "'s",
                                     "'S",
                                     "'ll",
                                     "'RE",
                                     "'",
                                     "''",
                                     "!",
                                     "?!",
                                     ".",
                                     "_",
                                     "\xc3\xa9",
                                     "\xe4\xb8\xad",
                                     "\xf0\x9f\x98\x80",
                                     "\xd9\xa3",
                                     "\xc2\xa0",
                                     "\xe3\x80\x80",
                                     "\xe2\x96\x81",
                                     "\xcc\x81",
                                     "\xff",
                                     "\xe4\xb8",
                                     "\xc0\x80",
                                     "\xed\xa0\x80",
                                     "don't",
                                     "x1y",
                                     "<s>",
                                     "\xe1\xa0\x8e",
                                     "\xc2\xb2",
                                     "\xf4\x90\x80\x80"};
  pieces.insert(pieces.end(), more.begin(), more.end());
  std::mt19937 random(5);
  std::vector<std::string> texts = {"a", " ", "\n"};
  for (size_t i = 0; i < count; ++i) {
    std::string text;
    for (size_t length = random() % 12 + 1; length > 0; --length) {
      text += pieces[random() % pieces.size()];
    }
    texts.push_back(text);
  }
  return texts;
}

}  // namespace verge::emit
