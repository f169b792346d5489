#pragma once
// WeightSource: the values of random tensors in any DType, a run of rows at a time. Large matrices
// are made of a pool of quantized random blocks, drawn anew for each place: as fast as copying, and
// no two rows are alike.

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/stages/build/random_model/tensors.hpp>

namespace verge::build {

class WeightSource {
 public:
  WeightSource(uint64_t seed, ThreadPool& threads) : seed_(seed), threads_(threads) {}

  /// Rows [first_row, first_row + rows) of `tensor`, the index-th of its file, into `out`. The
  /// tensor's columns must be a multiple of its type's block size.
  void fill(const RandomTensor& tensor, int index, int64_t first_row, int64_t rows, std::byte* out);

 private:
  struct BlockPool {
    std::vector<std::byte> bytes;
    int64_t values_each = 0;
    int64_t bytes_each = 0;
    uint32_t count = 0;
  };
  const BlockPool& block_pool(DType dtype, float deviation);

  uint64_t seed_;
  ThreadPool& threads_;
  std::map<std::pair<DType, float>, BlockPool> pools_;
};

}  // namespace verge::build
