#pragma once
// ModelPool: names to model files; loaded when asked for, on a thread of its own while others go on
// decoding; put out of memory when idle or when another needs the room.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/stages/serve/scheduler/model_face.hpp>
#include <verge/stages/serve/scheduler/snapshot.hpp>

namespace verge::serve {

struct ModelPoolOptions {
  int threads = 1;  // of each model's kernels; one model runs at a time
  /// Of all loaded models together; 0: what the machine has. A model that needs more has its
  /// weights streamed, and takes all.
  int64_t memory_bytes = 0;
  double idle_s = 0;  // unused for so long, a model is put out; 0: never
};

/// Where its kernels run is a model's own, so that one can be loaded while another runs.
struct LoadedModel {
  std::unique_ptr<ThreadPool> threads;
  std::unique_ptr<model::LanguageModel> model;
  std::unique_ptr<model::LanguageModel> draft = {};  // guesses ahead; null: none
  DraftSource drafts = {};
};

/// A model in memory, for make_room.
struct Resident {
  std::string name;
  int64_t bytes = 0;
  double used_s = 0;  // when last
  bool is_busy = false;
};

/// Which to put out, least recently used first, so that `bytes` more fit in the budget; nothing
/// where those that are busy leave too little.
std::optional<std::vector<std::string>> make_room(std::vector<Resident> residents, int64_t budget,
                                                  int64_t bytes);

class ModelPool {
 public:
  ModelPool(std::vector<ServedModel> models, const Clock& clock, ModelPoolOptions options);
  ~ModelPool();
  ModelPool(const ModelPool&) = delete;
  ModelPool& operator=(const ModelPool&) = delete;

  /// Any thread. In the order given.
  const std::vector<std::string>& names() const { return names_; }
  /// Any thread. Reads the file at the first call. Fails with NotFound for a name nobody serves,
  /// naming those that are; as read_face does: one that exceeds the budget is streamed, and refused
  /// where it exceeds it even so.
  Result<std::shared_ptr<const ModelFace>> face(const std::string& name);
  /// Any thread.
  LoadState state(const std::string& name) const;
  /// What a model takes; 0 while its file is not read.
  int64_t need_bytes(const std::string& name) const;

  /// Any thread. How long a model stays unused from now on, instead of idle_s: below 0 for ever, 0
  /// until it has nothing to do.
  void keep_for(const std::string& name, double seconds);
  /// Any thread. How long a model that is not used any more stays; nothing: for ever.
  std::optional<double> kept_s(const std::string& name) const;

  // From here on: the scheduler's thread, names that are served and whose face has been read.

  /// Called on the loader's thread when a load has ended, well or not.
  void on_loaded(std::function<void()> call);
  void load(const std::string& name);
  void unload(const std::string& name);
  /// Null unless it is ready.
  LoadedModel* loaded(const std::string& name);
  /// Why the last load failed, once.
  std::optional<Error> take_error(const std::string& name);
  void touch(const std::string& name);

  /// Which to unload before `name` can be loaded; see make_room.
  std::optional<std::vector<std::string>> room_for(
      const std::string& name, const std::function<bool(const std::string&)>& is_busy) const;
  /// Those that have been idle for too long.
  std::vector<std::string> idle(const std::function<bool(const std::string&)>& is_busy) const;
  bool puts_out_idle() const { return puts_out_idle_; }

 private:
  struct Entry {
    ServedModel served;
    mutable std::mutex face_mutex;
    std::shared_ptr<const ModelFace> face;
    std::optional<Error> refusal;  // for a need that only another budget would meet
    std::atomic<int64_t> need_bytes{0};
    LoadState state = LoadState::Unloaded;
    std::optional<Error> error;
    LoadedModel model;
    double used_s = 0;
    std::optional<double> idle_s;  // instead of that of all
  };
  std::optional<double> kept_s(const Entry& entry) const;
  void run_loader(const std::stop_token& stop);
  void load_now(Entry& entry);

  const Clock& clock_;
  ModelPoolOptions options_;
  int64_t ceiling_bytes_ = 0;  // of a model whose weights are streamed
  std::atomic<bool> puts_out_idle_ = options_.idle_s > 0;
  std::vector<std::string> names_;
  std::map<std::string, Entry> entries_;  // fixed after construction
  mutable std::mutex mutex_;              // of states, errors, models and the queue
  std::condition_variable_any queued_;
  std::deque<Entry*> queue_;
  std::mutex call_mutex_;
  std::function<void()> on_loaded_;
  std::jthread loader_;  // last: it uses the rest
};

}  // namespace verge::serve
