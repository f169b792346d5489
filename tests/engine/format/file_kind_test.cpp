#include <gtest/gtest.h>

#include <verge/engine/format/file_kind.hpp>

namespace verge::format {
namespace {

TEST(FileKind, IsSeenInTheFirstBytes) {
  const std::pair<std::string, FileKind> cases[] = {
      {"", FileKind::Empty},
      {"GGUF\3", FileKind::Gguf},
      {"GGU", FileKind::Unknown},
      {"tjgg", FileKind::OldGgml},
      {std::string("\x40\0\0\0\0\0\0\0{\"x\"", 12), FileKind::Safetensors},
      {"PK\x03\x04", FileKind::Zip},
      {"\x80\x02}q", FileKind::Pickle},
      {std::string("\x08\x07\x12\x07pytorch"), FileKind::Onnx},
      {"<!DOCTYPE html>", FileKind::Html},
      {"\n <html>", FileKind::Html},
      {"{\"a\":1}", FileKind::Json},
      {"version https://git-lfs.github.com/spec/v1\n", FileKind::LfsPointer},
      {"\x1f\x8b\x08", FileKind::Gzip},
      {std::string(100, '\0'), FileKind::Zeros},
      {"hello", FileKind::Unknown},
  };
  for (const auto& [bytes, kind] : cases) {
    EXPECT_EQ(recognize(std::as_bytes(std::span(bytes))), kind) << bytes;
  }
}

TEST(FileKind, ErrorsSayWhatToDo) {
  EXPECT_EQ(wrong_kind("m", "GGUF", FileKind::LfsPointer).message,
            "m: not a GGUF file but a Git LFS pointer; run `git lfs pull` in its folder");
  EXPECT_EQ(wrong_kind("m", "GGUF", FileKind::Unknown).message,
            "m: not a GGUF file but data of an unknown kind; check the path");
}

}  // namespace
}  // namespace verge::format
