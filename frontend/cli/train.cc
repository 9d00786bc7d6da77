#include <algorithm>
#include <memory>
#include <utility>

#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/interrupt.h"
#include "frontend/cli/progress.h"
#include "frontend/cli/train_setup.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct TrainArguments {
  std::shared_ptr<Config> flags = std::make_shared<Config>();
  std::string config;
  std::string resume;
  bool print_config = false;
};

// Of a file of options, what a training that is resumed has behind it: how its model was made.
void DropBeginning(Config& config) {
  Config begin;
  WriteOptions(StartOptions(), begin);
  for (const auto& [key, value] : begin) config.erase(key);
  for (const char* key : {"model", "input", "classes", "width", "restart"}) config.erase(key);
}

// Leaves out of a file's options what belongs to its optimizer or schedule and not to the one that
// a flag chooses: `adopt` makes the file's those of the flag's value.
template <typename Options>
absl::Status AdoptChoice(const Config& flags, const char* flag,
                         Options (*adopt)(Options, std::string_view), Config& config) {
  const auto chosen = flags.find(flag);
  if (chosen == flags.end()) return absl::OkStatus();
  Options options;
  WEFT_RETURN_IF_ERROR(ReadOptions(config, options));
  Config adopted;
  WriteOptions(adopt(options, chosen->second), adopted);
  for (auto& [key, value] : config) {
    if (const auto it = adopted.find(key); it != adopted.end()) value = it->second;
  }
  return absl::OkStatus();
}

absl::Status CheckResumption(const Config& flags) {
  if (flags.contains("model")) {
    return absl::InvalidArgumentError("expected --model or --resume, got both");
  }
  TrainTarget target;
  WEFT_RETURN_IF_ERROR(ReadOptions(flags, target));
  if (!target.restart) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "expected --restart or --resume, got both; a new training from a file's weights is --model "
      "FILE --restart");
}

// What the command is told, a file's options first.
absl::StatusOr<Config> GivenOptions(const TrainArguments& a) {
  Config given;
  if (!a.config.empty()) {
    WEFT_ASSIGN_OR_RETURN(given, ReadConfigFile(a.config));
  }
  WEFT_RETURN_IF_ERROR(AdoptChoice(*a.flags, "optimizer", WithMethod, given));
  WEFT_RETURN_IF_ERROR(AdoptChoice(*a.flags, "schedule", WithSchedule, given));
  WEFT_RETURN_IF_ERROR(AdoptChoice(*a.flags, "loss", WithLoss, given));
  if (!a.resume.empty()) {
    WEFT_RETURN_IF_ERROR(CheckResumption(*a.flags));
    DropBeginning(given);
  }
  for (const auto& [key, value] : *a.flags) given[key] = value;
  if (a.resume.empty()) return given;
  given["model"] = a.resume;
  if (!a.flags->contains("output")) given["output"] = a.resume;
  return given;
}

void PrintSetup(const TrainSetup& s, size_t peak) {
  int64_t parameters = 0;
  for (const Node* variable : s.trainer->model().graph.variables()) {
    if (IsTrainable(*variable)) parameters += LeafValue(*variable).size();
  }
  const int threads = s.trainer->options().threads;
  Print("%s parameters, %s images of %s, %d thread%s, %s of memory at most\n",
        WithCommas(parameters).c_str(), WithCommas(s.train->size()).c_str(),
        s.examples->name().c_str(), threads, threads == 1 ? "" : "s", BytesText(peak).c_str());
  const std::string chosen = ChosenOptions(s.options);
  Print("options: %s%sseed %llu (all of them: --print-config)\n", chosen.c_str(),
        chosen.empty() ? "" : ", ", static_cast<unsigned long long>(s.options.train.seed));
}

// What has to be said before a resumed training goes on.
absl::Status PrintResumption(Trainer& trainer, std::initializer_list<int64_t> batches) {
  Print("resuming after %lld epochs and %lld batches (step %lld)\n",
        static_cast<long long>(trainer.epoch()), static_cast<long long>(trainer.next_batch()),
        static_cast<long long>(trainer.step()));
  for (const int64_t batch : batches) {
    if (batch == 0) continue;
    WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> changes, trainer.ChangedKernels(batch));
    if (changes.empty()) continue;
    Print(
        "note: %zu steps for batches of %lld have other kernels than before (%s): the last bits "
        "may differ\n",
        changes.size(), static_cast<long long>(batch), changes[0].c_str());
  }
  return absl::OkStatus();
}

void PrintEnd(const FitResult& result, const TrainCommandOptions& o) {
  if (result.early) {
    const int64_t patience = o.fit.early_stopping.patience;
    Print("stopped early: no better %s in %lld epoch%s\n", o.fit.early_stopping.monitor.c_str(),
          static_cast<long long>(patience), patience == 1 ? "" : "s");
  }
  if (result.restored) {
    Print("restored the best epoch, %lld (%s %.4f)\n",
          static_cast<long long>(result.best.epoch + 1), o.fit.early_stopping.monitor.c_str(),
          result.best.value);
  }
  Print("saved %s\n", o.target.output.c_str());
}

absl::Status RunTraining(const TrainSetup& s) {
  WEFT_ASSIGN_OR_RETURN(const auto log,
                        TrainingLog::Create(s.options.log, *s.trainer, s.examples.get()));
  InterruptGuard guard;
  ProgressDisplay display;
  absl::Status logged;
  const FitCallbacks callbacks = {.on_step =
                                      [&](const StepProgress& p) {
                                        display.OnStep(p);
                                        logged.Update(log->OnStep(p));
                                      },
                                  .on_epoch =
                                      [&](const EpochSummary& e) {
                                        display.OnEpoch(e);
                                        return log->OnEpoch(e);
                                      },
                                  .stop = [&] { return !logged.ok() || guard.interrupted(); }};
  const auto result = Fit(*s.trainer, s.train, s.test, s.options.fit, callbacks);
  display.Clear();
  WEFT_RETURN_IF_ERROR(result.status());
  WEFT_RETURN_IF_ERROR(logged);
  if (result->stopped) {
    return absl::CancelledError(absl::StrCat("interrupted after step ", s.trainer->step(),
                                             "; saved, go on with: weft train --resume ",
                                             s.options.target.output));
  }
  PrintEnd(*result, s.options);
  return absl::OkStatus();
}

absl::Status Train(const TrainArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const Config given, GivenOptions(a));
  const auto output = given.find("output");
  const bool named = output != given.end() && !output->second.empty();
  if (named || a.flags->contains("output")) {
    WEFT_RETURN_IF_ERROR(CheckModelPath(output->second));
  }
  WEFT_ASSIGN_OR_RETURN(TrainSource source, FindTrainSource(given));
  if (!a.resume.empty() && !source.resumes) {
    return absl::InvalidArgumentError(absl::StrCat(
        a.resume, ": has no training to go on with; --model begins one from its weights"));
  }
  if (a.print_config) {
    Print("%s", PrintOptions(source.options).c_str());
    return absl::OkStatus();
  }
  if (!named) return absl::InvalidArgumentError("--output is required");
  WEFT_ASSIGN_OR_RETURN(const TrainSetup s, SetUpTraining(std::move(source)));
  const int64_t batch = std::min(s.options.fit.batch_size, s.train->size());
  WEFT_ASSIGN_OR_RETURN(const size_t peak,
                        PeakBytes(*s.trainer, *s.train, s.test.get(), s.options.fit));
  PrintSetup(s, peak);
  if (const auto& price = s.trainer->memory_price()) Print("%s\n", ToString(*price).c_str());
  if (s.resumes) {
    WEFT_RETURN_IF_ERROR(PrintResumption(*s.trainer, {batch, s.train->size() % batch}));
  }
  return RunTraining(s);
}

}  // namespace

Command AddTrain(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "train", "Train a network, or go on training a file, and save it after every epoch");
  auto a = std::make_shared<TrainArguments>();
  app->add_option("--resume", a->resume,
                  "Go on with this file and save into it: as --model FILE --output FILE");
  app->add_option("--config", a->config,
                  "A file of options in protobuf's text format, as --print-config prints it; flags "
                  "prevail over it");
  app->add_flag("--print-config", a->print_config, "Print all options, train nothing");
  AddFlagsOf<TrainCommandOptions>(*app, a->flags);
  app->footer(
      "What is not given is the network's own default, or what the file was trained with. "
      "Ctrl-C finishes the step, saves and exits with 130.\n"
      "Example: weft train --model lenet-bn --data mnist:data/mnist --epochs 3 -o a.weft");
  return {app, [a] { return Train(*a); }};
}

}  // namespace weft
