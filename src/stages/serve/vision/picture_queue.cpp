#include <new>

#include <verge/stages/serve/vision/picture_queue.hpp>

namespace verge::serve {
namespace {

Result<PreparedPicture> prepared_or_error(const PictureQueue::Prepare& prepare,
                                          const std::string& path) {
  try {
    return prepare(path);
  } catch (const std::bad_alloc&) {
    return make_error(Code::OutOfMemory, "{}: not enough memory for this picture", path);
  } catch (const std::exception& error) {
    return make_error(Code::Internal, "{}: {}", path, error.what());
  }
}

}  // namespace

PictureQueue::PictureQueue(std::vector<std::string> files, int threads, size_t ahead,
                           Prepare prepare)
    : files_(std::move(files)), ahead_(ahead), prepare_(std::move(prepare)) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

PictureQueue::~PictureQueue() {
  stop();
}

void PictureQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PictureQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] {
      return is_over_ || started_ == files_.size() || started_ < taken_ + ahead_;
    });
    if (is_over_ || started_ == files_.size()) return;
    const size_t mine = started_++;
    lock.unlock();
    Result<PreparedPicture> picture = prepared_or_error(prepare_, files_[mine]);
    lock.lock();
    ready_.emplace(mine, std::move(picture));
    changed_.notify_all();
  }
}

std::optional<Result<PreparedPicture>> PictureQueue::next() {
  std::unique_lock lock(mutex_);
  if (taken_ == files_.size()) return std::nullopt;
  changed_.wait(lock, [this] { return ready_.contains(taken_); });
  auto node = ready_.extract(taken_++);
  changed_.notify_all();
  return std::move(node.mapped());
}

}  // namespace verge::serve
