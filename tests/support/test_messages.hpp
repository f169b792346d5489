#pragma once
// Messages of tests, and whether two are the same.

#include <string>

#include <gtest/gtest.h>

#include <verge/core/channel.hpp>

namespace verge::test {

inline Message text_message(const std::string& body, uint32_t kind = 1) {
  return {.kind = kind, .body = body, .tensors = {}};
}

/// With two tensors, one of them empty.
inline Message tensor_message(const std::string& body, size_t bytes) {
  Message message = text_message(body, 7);
  std::vector<std::byte> data(bytes);
  for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(i * 31 + body.size());
  message.tensors.push_back({"f32", Shape{2, static_cast<int64_t>(bytes), 3}, std::move(data)});
  message.tensors.push_back({"", Shape{}, {}});
  return message;
}

inline void expect_same(const Message& a, const Message& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.body, b.body);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].codec, b.tensors[i].codec);
    EXPECT_EQ(a.tensors[i].shape, b.tensors[i].shape);
    EXPECT_TRUE(a.tensors[i].data == b.tensors[i].data);
  }
}

/// The body of the next message, or why there is none.
inline std::string next_body(Channel& channel, double timeout_s = 60) {
  const auto next = channel.receive(timeout_s);
  if (!next) return "error: " + std::string(name(next.error().code));
  return *next ? (*next)->body : "nothing";
}

}  // namespace verge::test
