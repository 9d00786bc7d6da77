#include "frontend/train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModelEnding = ".weft";

// "out-", what the names of copies of "out.weft" begin with.
std::string CopyStem(std::string_view path) {
  if (path.ends_with(kModelEnding)) path.remove_suffix(kModelEnding.size());
  return absl::StrCat(Absl(path), "-");
}

std::string StepPath(std::string_view path, int64_t step) {
  return absl::StrCat(CopyStem(path), "step", step, Absl(kModelEnding));
}

// The step of a file's name, where it is one of PATH-stepN.weft.
std::optional<int64_t> StepOfName(std::string_view name, std::string_view begin) {
  if (!name.starts_with(begin) || !name.ends_with(kModelEnding)) return std::nullopt;
  name.remove_prefix(begin.size());
  name.remove_suffix(std::min(name.size(), kModelEnding.size()));
  int64_t step = 0;
  if (!absl::SimpleAtoi(Absl(name), &step)) return std::nullopt;
  return step;
}

}  // namespace

absl::Status CheckCheckpoints(const CheckpointOptions& o) {
  for (const auto& [key, value] : std::initializer_list<std::pair<std::string_view, double>>{
           {"save_every_steps", static_cast<double>(o.every_steps)},
           {"save_every_minutes", o.every_minutes},
           {"keep_last", static_cast<double>(o.keep_last)}}) {
    if (value >= 0 && std::isfinite(value)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(Absl(key), ": expected at least 0, got ", value));
  }
  return absl::OkStatus();
}

std::string BestPath(std::string_view path) {
  return absl::StrCat(CopyStem(path), "best", Absl(kModelEnding));
}

absl::Status Checkpoints::OnStep(const Trainer& trainer) {
  const bool steps = options_.every_steps > 0 && trainer.step() % options_.every_steps == 0;
  const bool minutes = options_.every_minutes > 0 &&
                       Clock::now() - saved_at_ >=
                           std::chrono::duration<double, std::ratio<60>>(options_.every_minutes);
  return steps || minutes ? Save(trainer) : absl::OkStatus();
}

absl::Status Checkpoints::Save(const Trainer& trainer) {
  if (options_.path.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Model model, trainer.Snapshot());
  if (options_.keep_last > 0) WEFT_RETURN_IF_ERROR(KeepLast(model, trainer.step()));
  WEFT_RETURN_IF_ERROR(SaveModel(model, options_.path));
  saved_at_ = Clock::now();
  saved_step_ = trainer.step();
  return absl::OkStatus();
}

absl::Status Checkpoints::SaveRest(const Trainer& trainer) {
  return saved_step_ == trainer.step() ? absl::OkStatus() : Save(trainer);
}

absl::Status Checkpoints::SaveBest(const Trainer& trainer) {
  if (options_.path.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Model model, trainer.Snapshot());
  return SaveModel(model, BestPath(options_.path));
}

bool Checkpoints::HasBest(const BestEpoch& best) const {
  const auto kept = LoadModel(BestPath(options_.path), StandardOps());
  BestEpoch of_file;
  return kept.ok() && kept->training && ReadOptions(kept->training->config, of_file).ok() &&
         of_file.epoch == best.epoch && of_file.value == best.value;
}

absl::StatusOr<Model> Checkpoints::RestoreBest() const {
  auto best = LoadModel(BestPath(options_.path), StandardOps());
  if (!best.ok()) return Annotate(best.status(), "the best epoch's model cannot be restored");
  WEFT_RETURN_IF_ERROR(SaveModel(*best, options_.path));
  return best;
}

// Writes the copy of this step and removes those of the steps before the last few. Copies of later
// steps are another training's, and stay.
absl::Status Checkpoints::KeepLast(const Model& model, int64_t step) const {
  WEFT_RETURN_IF_ERROR(SaveModel(model, StepPath(options_.path, step)));
  const fs::path stem = CopyStem(options_.path);
  const std::string begin = stem.filename().string() + "step";
  const fs::path folder = stem.has_parent_path() ? stem.parent_path() : fs::path(".");
  std::vector<std::pair<int64_t, fs::path>> copies;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto copy = StepOfName(it->path().filename().string(), begin);
    if (copy && *copy <= step) copies.emplace_back(*copy, it->path());
  }
  std::ranges::sort(copies, std::greater());
  for (size_t i = static_cast<size_t>(options_.keep_last); i < copies.size() && !error; ++i) {
    fs::remove(copies[i].second, error);
  }
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(folder.string(), ": cannot remove earlier copies of ",
                                             options_.path, ": ", error.message()));
}

}  // namespace weft
