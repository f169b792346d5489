#pragma once
// Ctrl-C and SIGTERM as a flag: work that watches it stops at the next chance and keeps what it
// has.

#include <atomic>

namespace verge::cli {

/// Catches SIGINT and SIGTERM from now on; a second one ends the process at once. Always the same
/// flag.
std::atomic<bool>& catch_interrupts();

}  // namespace verge::cli
