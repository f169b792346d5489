#pragma once
// Rows of stored values (f32, f16, bf16, q8_0) read as vectors: Stored::load(row, i) gives values
// i .. i + kLanes of a row; i is a multiple of kLanes.

#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

struct StoredF32 {
  static VERGE_INLINE F32 load(const void* row, int64_t i) {
    return VERGE_ISA::load(static_cast<const float*>(row) + i);
  }
  static float one(const void* row, int64_t i) { return static_cast<const float*>(row)[i]; }
};

struct StoredF16 {
  static VERGE_INLINE F32 load(const void* row, int64_t i) {
    return load_f16(static_cast<const uint16_t*>(row) + i);
  }
  static float one(const void* row, int64_t i) {
    return f16_to_f32(static_cast<const uint16_t*>(row)[i]);
  }
};

struct StoredBf16 {
  static VERGE_INLINE F32 load(const void* row, int64_t i) {
    return load_bf16(static_cast<const uint16_t*>(row) + i);
  }
  static float one(const void* row, int64_t i) {
    return bf16_to_f32(static_cast<const uint16_t*>(row)[i]);
  }
};

/// Blocks of 34 bytes: an f16 scale and 32 signed bytes.
struct StoredQ8_0 {
  static VERGE_INLINE float scale(const uint8_t* block) {
    uint16_t bits;
    std::memcpy(&bits, block, 2);
#if defined(__F16C__)
    return _cvtsh_ss(bits);
#else
    return f16_to_f32(bits);
#endif
  }
  static VERGE_INLINE F32 load(const void* row, int64_t i) {
    const uint8_t* block = static_cast<const uint8_t*>(row) + i / 32 * 34;
    return scale(block) * load_i8(reinterpret_cast<const int8_t*>(block + 2 + i % 32));
  }
  static float one(const void* row, int64_t i) {
    const uint8_t* block = static_cast<const uint8_t*>(row) + i / 32 * 34;
    return scale(block) * static_cast<float>(static_cast<int8_t>(block[2 + i % 32]));
  }
};

/// Values i .. i + count of a row, fewer than fill a vector, the other lanes 0.
template <typename Stored>
VERGE_INLINE void stored_lanes(const void* row, int64_t i, int64_t count, float* lanes) {
  for (int lane = 0; lane < kLanes; ++lane) {
    lanes[lane] = lane < count ? Stored::one(row, i + lane) : 0.0f;
  }
}
/// The same as a vector, which they may fill.
template <typename Stored>
VERGE_INLINE F32 load_stored(const void* row, int64_t i, int64_t count) {
  if (count == kLanes) return Stored::load(row, i);
  float lanes[kLanes];
  stored_lanes<Stored>(row, i, count, lanes);
  return load(lanes);
}

/// Calls body(Stored{}) for the type a DType names; other types read nothing.
template <typename Body>
VERGE_INLINE void with_stored(DType dtype, Body body) {
  switch (dtype) {
    case DType::F32:
      return body(StoredF32{});
    case DType::F16:
      return body(StoredF16{});
    case DType::BF16:
      return body(StoredBf16{});
    case DType::Q8_0:
      return body(StoredQ8_0{});
    default:
      return;
  }
}

}  // namespace verge::kernels::VERGE_ISA
