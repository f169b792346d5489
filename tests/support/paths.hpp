#pragma once
// Where the sources and the programs of this build are. The only place that knows: all other
// objects of the tests are the same in every checkout, and so found in the compiler's cache.

#include <string>

namespace verge::test {

extern const char* const kSourceDirectory;
extern const char* const kBinaryDirectory;

inline std::string source_file(const std::string& name) {
  return kSourceDirectory + ("/" + name);
}

}  // namespace verge::test
