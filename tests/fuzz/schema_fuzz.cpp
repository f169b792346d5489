// Any text as a JSON schema; what is read draws some tokens, and a whole text is JSON.

#include <string_view>

#include <nlohmann/json.hpp>

#include "fuzz_vocabulary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verge::text;
  static const auto trie = fuzz_trie();
  if (size > 4096) return 0;
  const auto grammar =
      Grammar::from_json_schema(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!grammar) return 0;
  const std::string text = walk_masks(*grammar, trie, size);
  VERGE_CHECK(text.empty() || nlohmann::json::accept(text), text);
  return 0;
}
