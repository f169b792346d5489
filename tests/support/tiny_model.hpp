#pragma once
// A model of random weights, small enough for every test to write its own.

#include <string>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::test {

/// Writes `shape` ("tiny-llama") into the folder and returns its path.
inline std::string tiny_model(const TemporaryFolder& folder,
                              const std::string& shape = "tiny-llama") {
  const std::string path = folder / (shape + ".gguf");
  ThreadPool pool(1);
  auto spec = build::random_model_spec(shape);
  const Status status = spec ? build::write_random_model(*spec, path, pool) : spec.error();
  EXPECT_TRUE(status) << status.error().message;
  return path;
}

}  // namespace verge::test
