#pragma once
// Slowdown: makes this machine run models like one that is so many times slower, for trying out on
// one machine what another would do. After each run the thread waits for what such a machine would
// still need.

#include <functional>

namespace verge::runtime {

/// A plain value; one thread.
struct Slowdown {
  double factor = 1;
  /// Waits, and says how long it was; null: the thread sleeps.
  std::function<double(double seconds)> wait = nullptr;
  double owed_s = 0;  // by runs so far; below 0: they took too long

  /// After a run that kept the thread busy for `busy_s` and took `run_s` in all. What a wait or a
  /// run takes too long, others of the machine's threads being in the way, the next waits make up
  /// for.
  void after(double busy_s, double run_s);
};

}  // namespace verge::runtime
