#pragma once
// What a file really is, by its first bytes: people rename, cut and mix up model files, and the
// error should say so.

#include <cstddef>
#include <span>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::format {

enum class FileKind {
  Unknown,
  Empty,
  Gguf,
  OldGgml,
  Safetensors,
  Zip,
  Pickle,
  Onnx,
  Html,
  Json,
  LfsPointer,
  Gzip,
  Zeros
};

FileKind recognize(std::span<const std::byte> bytes);

/// "m.gguf: not a GGUF file but FOUND; REMEDY"
Error wrong_kind(std::string_view path, std::string_view expected, FileKind found);

}  // namespace verge::format
