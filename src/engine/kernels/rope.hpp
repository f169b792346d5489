#pragma once
// Rotary position embedding (Su et al. 2021): pair i of a head is turned by position * frequency_i.
// The angles are computed once a step, in double, and shared by all layers.
//
//   rope_angles(params, positions, tokens, angles);          // [tokens, params.dims]
//   rope(isa, {.rows = tokens, .heads = 8, .head_dim = 64, .dims = 64}, q, angles, nullptr,
//   worker);

#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

enum class RopeScaling : uint8_t {
  None,
  Linear,  // positions divided by `factor` (Chen et al. 2023)
  Yarn,    // by parts between beta_slow and beta_fast turns, with a temperature (Peng et al. 2023)
  Llama3,  // by parts between low and high frequency factors, as Llama 3.1 was trained
};

struct RopeParams {
  int64_t dims = 0;  // rotated dimensions of a head, even
  double base = 10000;
  RopeScaling scaling = RopeScaling::None;
  double factor = 1;                // context extension, >= 1
  double original_context = 0;      // Yarn, Llama3: tokens the model was first trained on
  double beta_fast = 32;            // Yarn
  double beta_slow = 1;             // Yarn
  double low_frequency = 1;         // Llama3
  double high_frequency = 4;        // Llama3
  double attention_factor = 0;      // Yarn; 0: 0.1 ln(factor) + 1
  const float* divisors = nullptr;  // [dims / 2] or null: each frequency is divided by its own
                                    // (GGUF rope_freqs.weight; long and short factors of Phi-3)
};

/// frequencies[dims / 2], radians per position. Returns what cos and sin are multiplied by.
double rope_frequencies(const RopeParams& params, double* frequencies);

/// angles[count, dims]: of each position first dims / 2 cosines, then dims / 2 sines.
void rope_angles(const RopeParams& params, const int32_t* positions, int64_t count, float* angles);

enum class RopePairs : uint8_t {
  Interleaved,  // (2i, 2i + 1): GPT-J, Llama in GGUF
  Halves,       // (i, i + dims / 2): GPT-NeoX, Qwen, Gemma, Llama in safetensors
};

struct Rope {
  RopePairs pairs = RopePairs::Interleaved;
  int64_t rows = 0, heads = 0, head_dim = 0;
  int64_t dims = 0;      // the first `dims` of each head are turned
  int64_t stride = 0;    // floats from row to row of x; 0: heads * head_dim
  bool inverse = false;  // turn back: the gradient
};

/// Turns x[rows, heads, head_dim] in place. Row r uses row angle_rows[r] of angles, or r if null.
/// Calling convention: gemm.hpp.
void rope(Isa isa, const Rope& rope, float* x, const float* angles, const int32_t* angle_rows,
          Worker& worker);

}  // namespace verge::kernels
