#pragma once
// A model that takes its time, so that something can happen in the middle of its answers.

#include <exit_models.hpp>

namespace verge::test_system {

/// Random weights of `width` columns in six layers, exit heads after two and four.
inline std::string write_slow_model(const test::TemporaryFolder& folder, int width) {
  build::RandomModelSpec spec = test::tiny_spec("tiny-llama");
  spec.d_model = width;
  spec.heads = spec.kv_heads = width / 64;
  spec.head_dim = 64;
  spec.ffn = 3 * width;
  spec.layers = 6;
  spec.context = 1024;
  return test::with_exit_heads(test::write_model(folder, spec), {2, 4});
}

}  // namespace verge::test_system
