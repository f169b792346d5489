#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <string>

#include <verge/engine/format/file_kind.hpp>

namespace verge::format {
namespace {

struct Magic {
  std::string_view bytes;
  FileKind kind;
};
constexpr Magic kMagics[] = {
    {"GGUF", FileKind::Gguf},
    {"lmgg", FileKind::OldGgml},  // ggml, ggmf, ggjt, ggla: little-endian u32
    {"fmgg", FileKind::OldGgml},
    {"tjgg", FileKind::OldGgml},
    {"algg", FileKind::OldGgml},
    {"PK\x03\x04", FileKind::Zip},
    {"\x80\x02", FileKind::Pickle},
    {"\x1f\x8b", FileKind::Gzip},
    {"version https://git-lfs", FileKind::LfsPointer},
    {"<!doctype html", FileKind::Html},
    {"<html", FileKind::Html},
};

bool starts_with_letters(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin(), [](char expected, char found) {
    return expected == found || expected == std::tolower(static_cast<unsigned char>(found));
  });
}

bool is_safetensors(std::string_view head) {
  if (head.size() < 9 || head[8] != '{') return false;
  uint64_t header = 0;
  std::memcpy(&header, head.data(), sizeof header);
  return header < (uint64_t{1} << 32);
}

// ONNX is a protobuf message: field 1 (ir_version, a small varint), then a length-delimited field.
bool is_onnx(std::string_view head) {
  return head.size() > 3 && head[0] == '\x08' && head[1] > 0 && head[1] < 32 &&
         (head[2] == '\x12' || head[2] == '\x3a');
}

struct Description {
  std::string_view found;
  std::string_view remedy;
};

Description describe(FileKind kind) {
  switch (kind) {
    case FileKind::Empty:
      return {"an empty file", "fetch it again"};
    case FileKind::Gguf:
      return {"a GGUF file", "rename it to .gguf"};
    case FileKind::OldGgml:
      return {"a GGML file of before August 2023", "fetch the model as GGUF"};
    case FileKind::Safetensors:
      return {"a safetensors file", "name the folder that holds it and its config.json"};
    case FileKind::Zip:
      return {"a zip archive, perhaps a PyTorch checkpoint", "fetch the model as safetensors"};
    case FileKind::Pickle:
      return {"a Python pickle, which may run code when read", "fetch the model as safetensors"};
    case FileKind::Onnx:
      return {"an ONNX file", "rename it to .onnx"};
    case FileKind::Html:
      return {"a web page, perhaps an error of the server", "check the address and fetch it again"};
    case FileKind::Json:
      return {"a JSON file", "name the model file or its folder"};
    case FileKind::LfsPointer:
      return {"a Git LFS pointer", "run `git lfs pull` in its folder"};
    case FileKind::Gzip:
      return {"a gzip archive", "unpack it first"};
    case FileKind::Zeros:
      return {"a file of zero bytes, an unfinished download", "fetch it again"};
    case FileKind::Unknown:
      break;
  }
  return {"data of an unknown kind", "check the path"};
}

}  // namespace

FileKind recognize(std::span<const std::byte> bytes) {
  if (bytes.empty()) return FileKind::Empty;
  const size_t head_bytes = std::min<size_t>(bytes.size(), 64);
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), head_bytes);
  if (is_safetensors(head)) return FileKind::Safetensors;
  for (const Magic& magic : kMagics) {
    if (starts_with_letters(head, magic.bytes)) return magic.kind;
  }
  if (is_onnx(head)) return FileKind::Onnx;
  const size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (head[first] == '{' || head[first] == '[')) {
    return FileKind::Json;
  }
  if (first != std::string_view::npos && head[first] == '<') return FileKind::Html;
  if (std::ranges::all_of(head, [](char c) { return c == 0; })) return FileKind::Zeros;
  return FileKind::Unknown;
}

Error wrong_kind(std::string_view path, std::string_view expected, FileKind found) {
  const Description facts = describe(found);
  return make_error(Code::Malformed, "{}: not a {} file but {}; {}", path, expected, facts.found,
                    facts.remedy);
}

}  // namespace verge::format
