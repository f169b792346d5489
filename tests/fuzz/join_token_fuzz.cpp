// Any text as a join token: what is read goes back to the same text, and nothing else is read.

#include <cstdint>
#include <cstdlib>
#include <string>

#include <verge/platform/net/identity/join_token.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto token = verge::net::JoinToken::parse(text);
  if (!token) {
    if (token.error().code != verge::Code::Malformed) std::abort();
    return 0;
  }
  if (!text.starts_with(token->text())) std::abort();
  if (text.find_first_not_of(" \n", token->text().size()) != std::string::npos) std::abort();
  return 0;
}
