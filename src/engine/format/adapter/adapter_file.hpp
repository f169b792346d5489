#pragma once
// AdapterFile: a LoRA adapter (Hu et al. 2021) as it lies in a file, under GGUF's tensor names
// whatever its format: llama.cpp's GGUF, or the folder that Hugging Face's PEFT writes.
//
//   VERGE_TRY(const AdapterFile adapter, AdapterFile::open("support.gguf", base));
//   for (const AdapterPair& pair : adapter.pairs) pair.weight;  // "blk.0.attn_q.weight"

#include <memory>
#include <string>
#include <vector>

#include <verge/engine/format/model_source.hpp>

namespace verge::format {

/// What is added to a matrix W [out, in] of the base: scale * B A.
struct AdapterPair {
  std::string weight;  // the matrix
  StoredTensor a;      // [rank, in]
  StoredTensor b;      // [out, rank]; rows as the base has them, where read by copy_to()
  double scale = 1;    // alpha / rank, or alpha / sqrt(rank) where the adapter says so

  int64_t rank() const { return a.shape[0]; }
};

struct AdapterFile {
  std::string path;
  std::vector<AdapterPair> pairs;  // sorted by weight
  std::vector<std::shared_ptr<const MappedFile>> files;

  /// The adapter of a file or folder, checked against its base: every pair is there as a whole and
  /// fits the matrix it names. Fails with NotFound for a missing file, Malformed for one that is
  /// damaged or does not fit, Unsupported for what is no plain LoRA of matrices (DoRA, embeddings,
  /// norms, biases, experts).
  static Result<AdapterFile> open(const std::string& path, const ModelSource& base);
};

}  // namespace verge::format
