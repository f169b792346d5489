#pragma once
// Whether this build runs under a sanitizer, many times slower: tests that draw thousands of times
// then draw fewer. The thread sanitizer is for tests of threads: those of one thread may be
// skipped.

namespace verge::test {

#if defined(__has_feature)
constexpr bool kThreadSanitized = __has_feature(thread_sanitizer);
constexpr bool kSanitized = kThreadSanitized || __has_feature(address_sanitizer);
#else
#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitized = true;
#else
constexpr bool kThreadSanitized = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = kThreadSanitized;
#endif
#endif

}  // namespace verge::test
