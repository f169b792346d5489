#pragma once
// llama.cpp's answers for parity tests, by bench/peers/llama_peer: from the folder in the variable
// VERGE_PEERS, else build/peers. Tests skip with llama_peer_missing() where it is not installed.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "paths.hpp"

namespace verge {

inline std::string llama_peer() {
  const char* folder = std::getenv("VERGE_PEERS");
  const std::filesystem::path path =
      std::filesystem::path(folder ? folder : test::source_file("build/peers")) / "llama_peer";
  return std::filesystem::exists(path) ? path.string() : "";
}

inline std::string llama_peer_missing() {
  return "llama_peer is absent: run bench/peers/install, or set VERGE_PEERS to its folder";
}

/// Runs "llama_peer ARGUMENTS" and returns what it prints; a failure fails the test.
inline std::string ask_llama_peer(const std::string& arguments) {
  const std::string command = "timeout 60 " + llama_peer() + " " + arguments;
  FILE* pipe = popen(command.c_str(), "r");
  std::string answer;
  char buffer[4096];
  for (size_t count = 0; (count = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    answer.append(buffer, count);
  }
  const int status = pclose(pipe);
  EXPECT_EQ(status, 0) << command;
  return answer;
}

/// Logits [tokens, vocab] of a model file, from the f32 KV cache and unrepacked weights.
/// Activations of quantized layers are rounded to 8 bits by llama.cpp.
/// `options` are further ones of the command, "--lora FILE".
inline std::vector<float> llama_peer_logits(const std::string& model,
                                            std::span<const int32_t> tokens,
                                            const std::string& options = "") {
  const std::string out = model + ".logits";
  ask_llama_peer(
      fmt::format("logits {} --tokens {} --out {} --kv f32 --flash off --plain --threads 1 {}",
                  model, fmt::join(tokens, ","), out, options));
  std::vector<float> logits(std::filesystem::file_size(out) / sizeof(float));
  std::ifstream(out, std::ios::binary)
      .read(reinterpret_cast<char*>(logits.data()),
            static_cast<std::streamsize>(logits.size() * sizeof(float)));
  std::filesystem::remove(out);
  return logits;
}

}  // namespace verge
