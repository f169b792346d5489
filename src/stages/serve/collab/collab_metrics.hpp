#pragma once
// What an answer of a split language model cost, where its tokens were made, and how near it is to
// the whole model's.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace verge::serve {

/// Degraded: the second exit's, because the server could not be asked.
enum class TokenPlace { Exit1, Exit2, Cloud, Degraded };
inline constexpr std::array kTokenPlaces = {TokenPlace::Exit1, TokenPlace::Exit2, TokenPlace::Cloud,
                                            TokenPlace::Degraded};
std::string_view name(TokenPlace place);

/// A plain value; all of it sums.
struct CollabMetrics {
  std::array<int64_t, 4> tokens = {};  // by TokenPlace
  int64_t asked = 0;                   // Finish requests, of tokens that the server was to make
  int64_t probes = 0;                  // and those that nobody waited for
  int64_t waits = 0;                   // tokens that nothing could be done before but wait
  int64_t drafted = 0;                 // tokens made before the server had confirmed those before
  int64_t undone = 0;                  // and those of them that it did not confirm
  int64_t late_states = 0;             // positions whose states took the late codec
  int64_t sent_again = 0;              // positions whose states were wanted twice
  double edge_s = 0;                   // running the model
  double waiting_s = 0;                // for the server
  double server_s = 0;                 // of it, the server's engine and queue
  double communication_s = 0;          // something was on its way; hidden or not
  int64_t bytes_up = 0;
  int64_t bytes_down = 0;
  int64_t edge_layer_tokens = 0;

  int64_t count(TokenPlace place) const { return tokens[static_cast<size_t>(place)]; }
  int64_t all_tokens() const { return tokens[0] + tokens[1] + tokens[2] + tokens[3]; }
  /// Share of tokens that the server made.
  double cloud_rate() const;
  /// Communication that the device waited for, and that it did not.
  double exposed_s() const;
  double hidden_s() const;
  CollabMetrics& operator+=(const CollabMetrics& other);
};

/// Share of positions with the same token; what is longer does not agree. 1 for two empty ones.
double agreement(std::span<const int32_t> tokens, std::span<const int32_t> reference);

/// F1 of the longest common subsequence (Lin 2004, section 3.1, beta 1), over tokens. Cost: product
/// of the lengths.
double rouge_l(std::span<const int32_t> tokens, std::span<const int32_t> reference);

}  // namespace verge::serve
