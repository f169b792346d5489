#pragma once
// PictureQueue: pictures read and prepared by threads of its own, ahead of the one that takes them,
// in their order. At most `ahead` are held at a time.
//
//   PictureQueue queue(files, 2, 8, [&](const std::string& path) { return prepare_file(path); });
//   while (auto picture = queue.next()) ...
//
// next() belongs to one thread; the function is called from several at once.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/stages/serve/vision/preprocess.hpp>

namespace verge::serve {

struct PreparedPicture {
  std::string path = {};
  Image image = {};
  PictureShape shape = {};
  Placement placement = {};
  std::vector<float> values = {};
};

class PictureQueue {
 public:
  using Prepare = std::function<Result<PreparedPicture>(const std::string& path)>;

  /// `threads` and `ahead` from 1 on.
  PictureQueue(std::vector<std::string> files, int threads, size_t ahead, Prepare prepare);
  /// Waits for the pictures that are being read, not for the others.
  ~PictureQueue();
  PictureQueue(const PictureQueue&) = delete;
  PictureQueue& operator=(const PictureQueue&) = delete;

  /// None after the last one. An exception of `prepare` (a bug, or no memory) is an Error, too.
  std::optional<Result<PreparedPicture>> next();

 private:
  void work();
  void stop();

  const std::vector<std::string> files_;
  const size_t ahead_;
  const Prepare prepare_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  size_t started_ = 0, taken_ = 0;
  bool is_over_ = false;
  std::map<size_t, Result<PreparedPicture>> ready_;
  std::vector<std::thread> threads_;
};

}  // namespace verge::serve
