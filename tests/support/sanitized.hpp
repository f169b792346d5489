#pragma once
// Whether this build runs under a sanitizer, or emulated, many times slower: tests that draw
// thousands of times then draw fewer.

namespace verge::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(VERGE_EMULATED)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

}  // namespace verge::test
