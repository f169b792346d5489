#pragma once
// Codecs: the values of a tensor as they travel between nodes, and back. Free functions without
// state, for any thread. What a peer sends is distrusted: unpack() checks every length before it
// allocates.
//
//   VERGE_TRY(PackedTensor packed, pack("int8+zstd", states, {tokens, d_model}));
//   VERGE_TRY(std::vector<float> values, unpack(packed, most_tokens * d_model));
//
// | codec | bytes of a row of 4096 | values |
// |-------|------------------------|---------------------------------------------------------------|
// | f32   | 16384                  | bit for bit, NaN and infinities too | | f16   | 8192 | rounded
// to nearest even; NaN and infinities stay              | | int8  | 4224                   | groups
// of 64 with an fp16 scale (group_codec.hpp)             | | int4  | 2176                   | the
// same                                                      | | int4h | 2176                   |
// the same, after a Hadamard rotation of each group             |
//
// Any of them with "+zstd" behind its name: level 1 on top, where that saves 5 % or more.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <verge/core/channel.hpp>

namespace verge::net {

/// The codecs without "+zstd", the most exact first.
std::span<const std::string_view> codec_names();

/// Bytes of a tensor before zstd. InvalidArgument for an unknown codec; a "+zstd" is passed over.
Result<int64_t> packed_bytes(std::string_view codec, const Shape& shape);

/// Packs values of `shape` (as many as its count; rank 0 is one row of one value). The result's
/// codec says whether zstd stayed. InvalidArgument for an unknown codec; Unsupported, naming the
/// row, for a value that the codec cannot hold: not finite in int8, int4 and int4h, or too great
/// (65504 in f16, 8.4e6 in int8, 5.2e5 in int4).
Result<PackedTensor> pack(std::string_view codec, std::span<const float> values,
                          const Shape& shape);

/// The values, shape.count() of them. Unsupported for an unknown codec; Malformed for negative
/// extents, more than `most_values` (extents of 0 left out: [0, 4096] needs 4096), bytes that are
/// not as many as the shape needs, scales that are not finite, or broken zstd data. Allocates
/// nothing before shape and length agree.
Result<std::vector<float>> unpack(const PackedTensor& tensor, int64_t most_values);

/// sqrt(sum (a - b)^2 / sum a^2) over two tensors of one size: the error of a codec, measured. 0
/// for equal values, infinite where all of `values` are 0 and others are not.
double relative_rms_error(std::span<const float> values, std::span<const float> others);

}  // namespace verge::net
