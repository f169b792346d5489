#include "paths.hpp"

namespace verge::test {

extern const char* const kSourceDirectory = VERGE_SOURCE_DIR;
extern const char* const kBinaryDirectory = VERGE_BINARY_DIR;

}  // namespace verge::test
