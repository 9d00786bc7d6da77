#include <memory>
#include <optional>
#include <utility>

#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/data.h"
#include "frontend/cli/interrupt.h"
#include "frontend/cli/progress.h"
#include "graph/file/serialize.h"
#include "graph/number_text.h"
#include "ops/ops.h"

namespace weft {
namespace {

struct TrainArguments {
  std::string model;
  std::optional<std::string> data;
  std::string output;
  std::string input;
  std::optional<int64_t> classes;
  std::optional<double> width;
  std::optional<int64_t> epochs, batch;
  std::optional<double> lr, momentum, weight_decay, label_smoothing;
  std::optional<uint64_t> seed;
  std::optional<std::string> schedule;
  std::optional<int> threads;
  bool nesterov = false;
  bool restart = false;
  bool recompute = false;
};

// What a training is made of, before the command line has its say and after.
struct Setup {
  Model model;
  TrainOptions train;
  FitOptions fit;
  std::string data = "digits";
  bool resume = false;
};

template <typename T, typename U>
void Override(const std::optional<T>& given, U& value) {
  if (given) value = *given;
}

absl::Status ApplyArguments(const TrainArguments& a, Setup& s) {
  Override(a.data, s.data);
  Override(a.epochs, s.fit.epochs);
  Override(a.batch, s.fit.batch_size);
  Override(a.lr, s.fit.learning_rate);
  Override(a.momentum, s.train.optimizer.momentum);
  Override(a.weight_decay, s.train.optimizer.weight_decay);
  Override(a.label_smoothing, s.train.loss.label_smoothing);
  Override(a.seed, s.train.seed);
  Override(a.threads, s.train.threads);
  if (a.nesterov) s.train.optimizer.nesterov = true;
  s.train.recompute = a.recompute;
  if (!a.schedule) return absl::OkStatus();
  const std::optional<Schedule> schedule = ParseSchedule(*a.schedule);
  if (!schedule) {
    return absl::InvalidArgumentError(
        absl::StrCat("--schedule: expected constant or cosine, got ", *a.schedule));
  }
  s.fit.schedule = *schedule;
  return absl::OkStatus();
}

// A file: its training goes on, or, where it has none, its weights are where a new one begins.
absl::StatusOr<Setup> SetupFromFile(const TrainArguments& a) {
  if (!a.input.empty() || a.classes || a.width) {
    return absl::InvalidArgumentError(absl::StrCat(
        a.model, ": --input, --classes and --width are for networks of the zoo, not for files"));
  }
  WEFT_ASSIGN_OR_RETURN(Model model, OpenFile(a.model));
  Setup s{.model = std::move(model), .train = {}, .fit = {}};
  if (s.model.training) {
    const Config& config = s.model.training->config;
    auto train = OptionsOf(*s.model.training);
    auto fit = FitOptionsOf(config);
    if (!train.ok()) return Annotate(train.status(), a.model);
    if (!fit.ok()) return Annotate(fit.status(), a.model);
    s.train = *train;
    s.fit = *fit;
    if (const auto it = config.find("data"); it != config.end()) s.data = it->second;
    s.resume = !a.restart;
  }
  WEFT_RETURN_IF_ERROR(ApplyArguments(a, s));
  return s;
}

// A network of the zoo. Its input and classes are those of the command line; otherwise, for
// synthetic data, its own, and for other data those of the data.
// `dataset` is opened here where the network's size depends on it.
absl::StatusOr<Setup> SetupFromZoo(const TrainArguments& a,
                                   std::shared_ptr<const Dataset>& dataset) {
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(a.model));
  Setup s{.model = Model(Graph(StandardOps())),
          .train = {.optimizer = entry->optimizer},
          .fit = entry->fit};
  WEFT_RETURN_IF_ERROR(ApplyArguments(a, s));
  ZooOptions options{.seed = s.train.seed};
  Override(a.classes, options.classes);
  Override(a.width, options.width);
  if (!a.input.empty()) {
    WEFT_ASSIGN_OR_RETURN(options.input, ParseSize(a.input));
  }
  std::optional<Preprocessing> images;
  if (!IsSynthetic(s.data)) {
    WEFT_ASSIGN_OR_RETURN(dataset, OpenDataset(s.data, Split::kTrain));
    images = dataset->preprocessing();
    if (options.input.empty()) options.input = dataset->example_dims();
    if (!a.classes && entry->classes != 0) {
      options.classes = static_cast<int64_t>(dataset->class_names().size());
    }
  }
  WEFT_ASSIGN_OR_RETURN(s.model, BuildNetwork(*entry, options));
  // What the data are normalised by, where the network does not say.
  if (!s.model.preprocessing && images && options.input.size() == 3 &&
      options.input[0] == images->channels) {
    s.model.preprocessing = images;
    s.model.preprocessing->height = options.input[1];
    s.model.preprocessing->width = options.input[2];
  }
  return s;
}

void PrintSetup(const Trainer& trainer, const Setup& s, const Dataset& train, size_t peak) {
  int64_t parameters = 0;
  for (const Node* variable : trainer.model().graph.variables()) {
    if (IsTrainable(*variable)) parameters += LeafValue(*variable).size();
  }
  Print("%s parameters, %s images of %s\n", WithCommas(parameters).c_str(),
        WithCommas(train.size()).c_str(), train.name().c_str());
  Print(
      "batch %lld, learning rate %g (%s), momentum %g%s, weight decay %g, seed %llu, "
      "%d thread%s, %s of memory at most\n",
      static_cast<long long>(s.fit.batch_size), s.fit.learning_rate,
      std::string(ToString(s.fit.schedule)).c_str(), s.train.optimizer.momentum,
      s.train.optimizer.nesterov ? " (Nesterov)" : "", s.train.optimizer.weight_decay,
      static_cast<unsigned long long>(s.train.seed), trainer.options().threads,
      trainer.options().threads == 1 ? "" : "s", BytesText(peak).c_str());
}

absl::Status Save(const Trainer& trainer, const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const Model model, trainer.Snapshot());
  return SaveModel(model, path);
}

absl::StatusOr<std::unique_ptr<Trainer>> MakeTrainer(Setup& s) {
  return s.resume ? Trainer::Resume(std::move(s.model), s.train)
                  : Trainer::Create(std::move(s.model), s.train);
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

absl::Status RunTraining(Trainer& trainer, const Setup& s, const std::string& output,
                         const std::shared_ptr<const Dataset>& train,
                         const std::shared_ptr<const Dataset>& test) {
  InterruptGuard guard;
  ProgressDisplay display;
  bool saved = false;
  const FitCallbacks callbacks = {.on_step =
                                      [&](const StepProgress& p) {
                                        saved = false;
                                        display.OnStep(p);
                                      },
                                  .on_epoch =
                                      [&](const EpochSummary& e) {
                                        display.OnEpoch(e);
                                        saved = true;
                                        return Save(trainer, output);
                                      },
                                  .stop = [&] { return guard.interrupted(); }};
  const absl::StatusOr<FitResult> result = Fit(trainer, train, test, s.fit, callbacks);
  display.Clear();
  WEFT_RETURN_IF_ERROR(result.status());
  if (!saved) WEFT_RETURN_IF_ERROR(Save(trainer, output));
  if (result->stopped) {
    return absl::CancelledError(absl::StrCat("interrupted after step ", trainer.step(),
                                             "; saved, go on with: weft train --model ", output,
                                             " -o ", output));
  }
  Print("saved %s\n", output.c_str());
  return absl::OkStatus();
}

absl::Status Train(const TrainArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckModelPath(a.output));
  std::shared_ptr<const Dataset> opened;
  auto setup = LooksLikeFile(a.model) ? SetupFromFile(a) : SetupFromZoo(a, opened);
  WEFT_RETURN_IF_ERROR(setup.status());
  Setup& s = *setup;
  WEFT_ASSIGN_OR_RETURN(const auto train, OpenDataFor(s.model, s.data, Split::kTrain, opened));
  WEFT_ASSIGN_OR_RETURN(const auto test, OpenDataFor(s.model, s.data, Split::kTest, nullptr));
  if (train->is_images()) s.model.preprocessing = train->preprocessing();
  s.model.class_names = train->class_names();
  auto trainer = MakeTrainer(s);
  if (!trainer.ok()) return Annotate(trainer.status(), a.model);
  (*trainer)->config()["data"] = s.data;
  if (s.fit.batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--batch: expected at least 1, got ", s.fit.batch_size));
  }
  const int64_t batch = std::min(s.fit.batch_size, train->size());
  WEFT_ASSIGN_OR_RETURN(const size_t peak, PeakBytes(**trainer, *train, test.get(), s.fit));
  PrintSetup(**trainer, s, *train, peak);
  if (s.resume) WEFT_RETURN_IF_ERROR(PrintResumption(**trainer, {batch, train->size() % batch}));
  return RunTraining(**trainer, s, a.output, train, test);
}

}  // namespace

Command AddTrain(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "train", "Train a network, or go on training a file, and save it after every epoch");
  auto a = std::make_shared<TrainArguments>();
  app->add_option(
         "--model", a->model,
         "A network (see weft zoo), or a .weft file: its training goes on where it stopped, "
         "with the same results as if it had not")
      ->required();
  app->add_option("--data", a->data, absl::StrCat(kDataHelp, " (default: digits)"));
  app->add_option("-o,--output", a->output, "The file to write")->required();
  app->add_option("--input", a->input,
                  "One example's size for a network, as 3x224x224; images are resized to it "
                  "(default: that of the data; of synthetic data, the network's own)");
  app->add_option("--classes", a->classes, "A network's classes (default: those of the data)");
  app->add_option("--width", a->width, "Factor of the channels within a network (default: 1)");
  app->add_option("--epochs", a->epochs, "Passes over the data, in all");
  app->add_option("--batch", a->batch, "Images a step");
  app->add_option("--lr", a->lr, "Learning rate");
  app->add_option("--schedule", a->schedule, "Learning rate over time: constant or cosine");
  app->add_option("--momentum", a->momentum, "Momentum of stochastic gradient descent");
  app->add_flag("--nesterov", a->nesterov, "Nesterov's momentum");
  app->add_option("--weight-decay", a->weight_decay, "Factor of the parameters in the gradient");
  app->add_option("--label-smoothing", a->label_smoothing, "Share of the labels spread evenly");
  app->add_option("--seed", a->seed, "Of weights, shuffling and dropout (default: 0)")
      ->check(CLI::NonNegativeNumber);
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  app->add_flag("--recompute", a->recompute, kRecomputeHelp);
  app->add_flag("--restart", a->restart,
                "Keep the weights of a file, forget its training state and epochs");
  app->footer(
      "What is not given is the network's own default. "
      "Ctrl-C finishes the step, saves and exits with 130.\n"
      "Example: weft train --model lenet-bn --data mnist:data/mnist --epochs 3 -o a.weft");
  return {app, [a] { return Train(*a); }};
}

}  // namespace weft
