#ifndef WEFT_FRONTEND_TRAIN_CHECKPOINT_H_
#define WEFT_FRONTEND_TRAIN_CHECKPOINT_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/train/early_stopping.h"
#include "frontend/train/train.h"

namespace weft {

// Where and when a training is saved. The files, each replaced as a whole:
//   PATH             the training as it is: after every epoch, when it is stopped, and as often as
//                    asked for within epochs. Goes on from here after a kill.
//   PATH-stepN.weft  the last few of these, by their step (PATH without its .weft)
//   PATH-best.weft   the best epoch's
struct CheckpointOptions {
  std::string path = {};     // "": nothing is saved
  int64_t every_steps = 0;   // 0: not by steps
  double every_minutes = 0;  // 0: not by time
  int64_t keep_last = 0;     // how many stepN are kept
  bool keep_best = false;
  friend bool operator==(const CheckpointOptions&, const CheckpointOptions&) = default;
};

template <typename F>
void VisitOptions(CheckpointOptions& o, F& f) {
  f("save_every_steps", o.every_steps, "Save within epochs too, every so many steps (0: no)");
  f("save_every_minutes", o.every_minutes, "Save within epochs too, every so many minutes (0: no)");
  f("keep_last", o.keep_last, "Keep so many earlier saves as OUT-stepN.weft");
  f("keep_best", o.keep_best, "Keep the best epoch's model as OUT-best.weft");
}

// Errors: numbers out of their range.
absl::Status CheckCheckpoints(const CheckpointOptions& options);

// "out-best.weft" of "out.weft".
std::string BestPath(std::string_view path);

// Saves a training as the options say. Errors of all: whatever saving says, with the file's name;
// the files from before are whole then.
class Checkpoints {
 public:
  // `options` outlive it.
  explicit Checkpoints(const CheckpointOptions& options) : options_(options) {}

  // After each step: saves where it is time.
  absl::Status OnStep(const Trainer& trainer);
  absl::Status Save(const Trainer& trainer);
  // Unless nothing has happened since the last save.
  absl::Status SaveRest(const Trainer& trainer);
  absl::Status SaveBest(const Trainer& trainer);
  // Whether the best epoch's file is that of this epoch, not another training's.
  bool HasBest(const BestEpoch& best) const;
  // Makes the best epoch's file the training's result, which is returned.
  absl::StatusOr<Model> RestoreBest() const;

 private:
  absl::Status KeepLast(const Model& model, int64_t step) const;

  using Clock = std::chrono::steady_clock;
  const CheckpointOptions& options_;
  Clock::time_point saved_at_ = Clock::now();
  int64_t saved_step_ = -1;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_CHECKPOINT_H_
