// Any text as a GBNF grammar; what is read draws some tokens, and every token that a mask allows
// leaves a beginning of a text.

#include <string_view>

#include "fuzz_vocabulary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verge::text;
  static const auto trie = fuzz_trie();
  if (size > 4096) return 0;
  const auto grammar = Grammar::from_gbnf({reinterpret_cast<const char*>(data), size});
  if (!grammar) return 0;
  walk_masks(*grammar, trie, size);
  return 0;
}
