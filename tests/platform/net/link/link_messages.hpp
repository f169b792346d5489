#pragma once
// What tests of channels send, and how they look at what comes.

#include <string>

#include <verge/core/channel.hpp>

namespace verge::test {

inline Message message_of_text(std::string body) {
  return {.kind = 1, .body = std::move(body), .tensors = {}};
}

/// The body of the next message; "(nothing)" or the error where none comes.
inline std::string body_of_next(Channel& channel, double timeout_s = 60) {
  const auto message = channel.receive(timeout_s);
  if (!message) return message.error().message;
  return *message ? (*message)->body : "(nothing)";
}

}  // namespace verge::test
