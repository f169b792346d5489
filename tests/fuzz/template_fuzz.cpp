// Any text as a chat template, parsed and rendered: it may fail, but not crash, hang or leak.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include <verge/engine/text/chat_template.hpp>

namespace {

nlohmann::ordered_json messages() {
  return {{{"role", "system"}, {"content", "s"}},
          {{"role", "user"}, {"content", "ü"}},
          {{"role", "assistant"}, {"content", "a"}}};
}

verge::text::RenderOptions options() {
  verge::text::RenderOptions options;
  options.bos_token = "<s>";
  options.tools = {{{"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}}};
  options.now_unix_s = 1741356309;
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto kMessages = messages();
  static const auto kOptions = options();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto chat = verge::text::ChatTemplate::parse(text);
  if (chat) (void)chat->render(kMessages, kOptions).ok();
  return 0;
}
