#include <algorithm>

#include <verge/core/file.hpp>
#include <verge/engine/model/delta_surroundings.hpp>
#include <verge/engine/model/model_delta.hpp>

namespace verge::model {
namespace {

using runtime::DeltaSize;
using runtime::DeltaWatch;
using runtime::TensorDelta;

// Small pieces are joined: each write is a call. The first error is kept for finish().
class PieceWriter {
 public:
  explicit PieceWriter(AtomicFile file) : file_(std::move(file)) {}

  void write(std::span<const std::byte> piece) {
    if (pending_.size() + piece.size() > kMostPending) flush();
    if (piece.size() <= kMostPending) {
      pending_.insert(pending_.end(), piece.begin(), piece.end());
    } else if (status_) {
      status_ = file_.write(piece);
    }
  }
  const Status& status() const { return status_; }
  Status finish() {
    flush();
    VERGE_RETURN_IF_ERROR(status_);
    return file_.commit();
  }

 private:
  static constexpr size_t kMostPending = 64 << 10;

  void flush() {
    if (status_) status_ = file_.write(std::span<const std::byte>(pending_));
    pending_.clear();
  }

  AtomicFile file_;
  std::vector<std::byte> pending_;
  Status status_;
};

// The first or the second of two passes.
DeltaWatch half_of(const DeltaWatch& watch, bool is_second) {
  if (!watch.progress) return watch;
  const auto progress = [&watch, is_second](int64_t done, int64_t all) {
    watch.progress(is_second ? all + done : done, 2 * all);
  };
  return {progress, watch.cancel};
}

Status write_result(const TensorFile& base, const Surroundings& around,
                    const std::vector<const TensorDelta*>& changes, const std::string& out,
                    const DeltaWatch& watch) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(out));
  PieceWriter writer(std::move(file));
  const auto write = [&](std::span<const std::byte> piece) { writer.write(piece); };
  int64_t all = 0, done = 0;
  for (const auto& [name, view] : base.tensors()) all += view.bytes();
  for (size_t i = 0; i < base.tensors().size(); ++i) {
    around.for_each_piece(i, write);
    const size_t number = around.tensor(i);
    const TensorView& view = base.tensors()[number].second;
    if (const TensorDelta* change = changes[number]; change != nullptr) {
      runtime::for_each_merged(view, change->slices, change->values, write);
    } else {
      write(runtime::stored_bytes(view));
    }
    VERGE_RETURN_IF_ERROR(writer.status());
    done += view.bytes();
    if (watch.progress) watch.progress(done, all);
    if (watch.cancel != nullptr && *watch.cancel) {
      return make_error(Code::Cancelled, "{}: cancelled; nothing was written", out);
    }
  }
  around.for_each_piece(base.tensors().size(), write);
  return writer.finish();
}

}  // namespace

Result<DeltaSize> diff_models(const std::string& base, const std::string& tuned,
                              const std::string& path, const DeltaWatch& watch) {
  VERGE_TRY(const TensorFile before, TensorFile::open(base));
  VERGE_TRY(const TensorFile after, TensorFile::open(tuned));
  VERGE_TRY(const std::vector<std::byte> around, surroundings_between(before, after));
  return runtime::write_delta(path, before.tensors(), after.tensors(), around, watch);
}

Result<DeltaSize> apply_delta_to_file(const std::string& base, const std::string& path,
                                      const std::string& out, const DeltaWatch& watch) {
  VERGE_TRY(const TensorFile before, TensorFile::open(base));
  VERGE_TRY(const runtime::DeltaFile file, runtime::open_delta(path));
  VERGE_TRY(const auto changes,
            runtime::match_delta(file.delta, before.tensors(), half_of(watch, false)));
  VERGE_TRY(const Surroundings around, Surroundings::read(file.delta, before));
  VERGE_RETURN_IF_ERROR(write_result(before, around, changes, out, half_of(watch, true)));
  return runtime::size_of(file, before.tensors());
}

}  // namespace verge::model
