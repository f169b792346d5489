#pragma once
// How writers receive content: pushed by the producer in portions, so that nobody holds a whole
// file in memory.

#include <cstddef>
#include <functional>
#include <span>

#include <verge/core/result.hpp>

namespace verge::format {

/// Takes the next bytes, in any portions.
using ByteSink = std::function<Status(std::span<const std::byte>)>;
/// Hands a tensor's bytes to the sink: exactly as many as its type and shape take.
using TensorProducer = std::function<Status(const ByteSink&)>;

/// Runs the producer and checks its count: a wrong one is a bug of the caller.
inline Status produce(const TensorProducer& producer, uint64_t bytes, const ByteSink& sink) {
  uint64_t done = 0;
  VERGE_RETURN_IF_ERROR(producer([&](std::span<const std::byte> portion) {
    done += portion.size();
    VERGE_CHECK(done <= bytes, done, bytes);
    return sink(portion);
  }));
  VERGE_CHECK(done == bytes, done, bytes);
  return {};
}

}  // namespace verge::format
