#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/interrupt.h"
#include "frontend/cli/progress.h"
#include "frontend/data/loader.h"
#include "frontend/data/open.h"
#include "frontend/io/draw.h"
#include "frontend/session/session.h"
#include "graph/file/serialize.h"
#include "graph/number_text.h"
#include "ops/ops.h"

namespace weft {
namespace {

constexpr double kExpectedAccuracy = 0.97;
constexpr double kAgreement = 1e-4;  // of the largest score
constexpr int64_t kBatch = 128;
constexpr int64_t kDrawn = 4;
constexpr int64_t kDrawnStep = 13;  // labels go round: 0, 3, 6, 9

struct DemoArguments {
  int64_t epochs = 5;
  int64_t examples = 20000;
  uint64_t seed = 0;
  int threads = 0;
  std::string output;
};

struct DemoData {
  std::shared_ptr<const Dataset> train, test;
};

void Title(int number, const std::string& text) { Print("\n%d. %s\n", number, text.c_str()); }

absl::StatusOr<Model> BuildLeNet(const DemoArguments& a, const ZooEntry& lenet,
                                 const Dataset& data) {
  WEFT_ASSIGN_OR_RETURN(Model model, BuildNetwork(lenet, {.seed = a.seed}));
  model.preprocessing = data.preprocessing();
  model.class_names = data.class_names();
  WEFT_ASSIGN_OR_RETURN(const Summary summary, Summarize(model.graph));
  Print("%s", summary.ToString().c_str());
  return model;
}

absl::StatusOr<Model> TrainLeNet(Model model, const DemoArguments& a, const ZooEntry& lenet,
                                 const DemoData& data) {
  WEFT_ASSIGN_OR_RETURN(
      const auto trainer,
      Trainer::Create(std::move(model),
                      {.optimizer = lenet.optimizer, .seed = a.seed, .threads = a.threads}));
  FitOptions fit = lenet.fit;
  fit.epochs = a.epochs;
  InterruptGuard guard;
  ProgressDisplay display;
  WEFT_ASSIGN_OR_RETURN(const FitResult result,
                        Fit(*trainer, data.train, data.test, fit,
                            {.on_step = [&](const StepProgress& p) { display.OnStep(p); },
                             .on_epoch =
                                 [&](const EpochSummary& s) {
                                   display.OnEpoch(s);
                                   return absl::OkStatus();
                                 },
                             .stop = [&] { return guard.interrupted(); }}));
  display.Clear();
  if (result.stopped) return absl::CancelledError("interrupted");
  return trainer->Snapshot();
}

// The file that the demo writes: where it was told to, or a temporary one that goes with this.
class DemoFile {
 public:
  static absl::StatusOr<std::unique_ptr<DemoFile>> Make(const std::string& path) {
    std::unique_ptr<DemoFile> file(new DemoFile);
    file->path_ = path;
    if (!path.empty()) return file;
    std::error_code error;
    std::string folder =
        (std::filesystem::temp_directory_path(error) / "weft-demo-XXXXXX").string();
    if (error || mkdtemp(folder.data()) == nullptr) {
      return absl::UnavailableError(absl::StrCat("cannot make a temporary folder ", folder));
    }
    file->folder_ = folder;
    file->path_ = folder + "/lenet.weft";
    return file;
  }
  ~DemoFile() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  DemoFile() = default;
  std::string path_, folder_;
};

// The first images of the test data, as the network takes them.
absl::StatusOr<Batch> FirstBatch(const std::shared_ptr<const Dataset>& data) {
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(
          data, {.batch_size = std::min(kBatch, data->size()), .shuffle = false, .prefetch = 0}));
  Batch batch;
  WEFT_RETURN_IF_ERROR(loader->StartEpoch(0));
  WEFT_RETURN_IF_ERROR(loader->Next(&batch).status());
  return batch;
}

// The largest difference between two tensors of scores, as a part of the largest score.
double Difference(const Tensor& a, const Tensor& b) {
  double difference = 0, largest = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(a.At(i) - b.At(i)));
    largest = std::max(largest, std::abs(a.At(i)));
  }
  return difference / std::max(largest, 1e-30);
}

absl::Status CheckAgreement(Session& original, Session& optimized, const Tensor& images) {
  WEFT_ASSIGN_OR_RETURN(const Tensor before, original.Run(images));
  WEFT_ASSIGN_OR_RETURN(const Tensor after, optimized.Run(images));
  const double difference = Difference(before, after);
  Print("largest difference of the scores of %lld images: %.1e of the largest score\n",
        static_cast<long long>(images.dims()[0]), difference);
  if (!(difference < kAgreement)) {
    return absl::InternalError(absl::StrCat("original and optimized model differ by ", difference,
                                            " of the largest score, expected less than ",
                                            kAgreement));
  }
  return absl::OkStatus();
}

// A test image as it was drawn, and below it what the scores say it is.
struct Recognised {
  Tensor image;
  std::string text;
};
absl::StatusOr<Recognised> Recognise(const Dataset& data, int64_t index, const Tensor& scores,
                                     int64_t row) {
  const Preprocessing& p = data.preprocessing();
  Recognised result;
  WEFT_ASSIGN_OR_RETURN(result.image, Tensor::Zeros(DType::kF32, {p.height, p.width}));
  int64_t label = 0;
  WEFT_RETURN_IF_ERROR(data.Read(index, result.image.mutable_values<float>(), &label));
  WEFT_ASSIGN_OR_RETURN(const auto top, TopPredictions(scores, row, 1));
  const auto name = [&](int64_t i) { return data.class_names()[static_cast<size_t>(i)]; };
  result.text =
      absl::StrCat("this is a ", name(top[0].label), " (", std::lround(100 * top[0].probability),
                   " %)", top[0].label == label ? "" : ", no: " + name(label));
  return result;
}

// Draws a few test images, as many side by side as the terminal has room for.
absl::Status DrawRecognised(Session& session, const Dataset& data, const Batch& batch) {
  constexpr int64_t kGap = 2;
  WEFT_ASSIGN_OR_RETURN(const Tensor scores, session.Run(batch.images));
  const int64_t width = data.preprocessing().width + kGap;
  const int64_t a_line = std::max<int64_t>(TerminalColumns() / width, 1);
  const int64_t count = std::min(kDrawn, batch.size());
  for (int64_t begin = 0; begin < count; begin += a_line) {
    std::vector<Tensor> images;
    std::string line;
    for (int64_t i = begin; i < std::min(begin + a_line, count); ++i) {
      const int64_t row = i * kDrawnStep % batch.size();
      WEFT_ASSIGN_OR_RETURN(Recognised r,
                            Recognise(data, batch.indices[static_cast<size_t>(row)], scores, row));
      images.push_back(std::move(r.image));
      line.resize(static_cast<size_t>((i - begin) * width), ' ');
      line += r.text;
    }
    WEFT_ASSIGN_OR_RETURN(const std::string drawn,
                          DrawImages(images, DrawStyle::kHalfBlocks, kGap));
    Print("%s%s\n", drawn.c_str(), line.c_str());
  }
  return absl::OkStatus();
}

struct Times {
  double before = 0, after = 0;  // medians, in microseconds
};

// Both in turn, so that what else the machine does slows both.
absl::StatusOr<Times> MeasureInTurn(Session& original, Session& optimized, const Tensor& images) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> before, after;
  const auto begin = Clock::now();
  while (before.size() < 20 || Clock::now() - begin < std::chrono::milliseconds(600)) {
    for (const auto& [session, micros] : {std::pair(&original, &before), {&optimized, &after}}) {
      const auto start = Clock::now();
      WEFT_RETURN_IF_ERROR(session->Run(images).status());
      micros->push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
  }
  const auto middle = static_cast<int64_t>(before.size() / 2);
  std::nth_element(before.begin(), before.begin() + middle, before.end());
  std::nth_element(after.begin(), after.begin() + middle, after.end());
  return Times{*(before.begin() + middle), *(after.begin() + middle)};
}

absl::Status CompareTimes(Session& original, Session& optimized, const Batch& batch,
                          const DemoData& data) {
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(data.test, {.batch_size = 1, .shuffle = false, .prefetch = 0}));
  Batch one;
  WEFT_RETURN_IF_ERROR(loader->StartEpoch(0));
  WEFT_RETURN_IF_ERROR(loader->Next(&one).status());
  std::vector<double> gains;
  for (const Tensor& images : {one.images, batch.images}) {
    WEFT_ASSIGN_OR_RETURN(const Times times, MeasureInTurn(original, optimized, images));
    Print("batch %3lld: %7.0f us before, %7.0f us after (medians)\n",
          static_cast<long long>(images.dims()[0]), times.before, times.after);
    gains.push_back(times.before / times.after);
  }
  Print("the optimized model is %.2f times as fast on one image, %.2f times on %lld\n", gains[0],
        gains[1], static_cast<long long>(batch.size()));
  return absl::OkStatus();
}

// Save, load, optimize, compare, recognise: everything after the training.
absl::Status UseModel(const Model& trained, const DemoArguments& a, const DemoData& data,
                      const Evaluation& expected) {
  WEFT_ASSIGN_OR_RETURN(const auto file, DemoFile::Make(a.output));
  WEFT_RETURN_IF_ERROR(SaveModel(trained, file->path()));
  WEFT_ASSIGN_OR_RETURN(const Model model, LoadModel(file->path(), StandardOps()));
  Print("%s: %s\n", file->path().c_str(),
        BytesText(std::filesystem::file_size(file->path())).c_str());
  WEFT_ASSIGN_OR_RETURN(const auto original,
                        Session::Create(model, {.threads = a.threads, .optimize = false}));
  WEFT_ASSIGN_OR_RETURN(const Evaluation loaded, original->Evaluate(data.test));
  Print("accuracy of the loaded model: %s\n", AccuracyText(loaded).c_str());
  if (loaded.correct != expected.correct) {
    return absl::InternalError(absl::StrCat("the loaded model recognises ", loaded.correct,
                                            " images, the saved one ", expected.correct));
  }

  Title(5, "Optimize: what was fused into what");
  PassReport report;
  WEFT_RETURN_IF_ERROR(OptimizedForInference(model.graph, {}, &report).status());
  Print("%s", report.ToString().c_str());
  WEFT_ASSIGN_OR_RETURN(const auto optimized, Session::Create(model, {.threads = a.threads}));
  WEFT_ASSIGN_OR_RETURN(const Batch batch, FirstBatch(data.test));
  WEFT_RETURN_IF_ERROR(CheckAgreement(*original, *optimized, batch.images));

  Title(6, "Recognise held-out digits");
  WEFT_RETURN_IF_ERROR(DrawRecognised(*optimized, *data.test, batch));

  Title(7, "Times of the original and of the optimized model");
  return CompareTimes(*original, *optimized, batch, data);
}

absl::Status Demo(const DemoArguments& a) {
  if (!a.output.empty()) WEFT_RETURN_IF_ERROR(CheckModelPath(a.output));
  Title(1, "Build LeNet with batch normalization");
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* lenet, FindNetwork("lenet-bn"));
  const std::string spec = absl::StrCat("digits:", a.examples);
  DemoData data;
  WEFT_ASSIGN_OR_RETURN(data.train, OpenDataset(spec, Split::kTrain));
  WEFT_ASSIGN_OR_RETURN(data.test, OpenDataset(spec, Split::kTest));
  WEFT_ASSIGN_OR_RETURN(Model model, BuildLeNet(a, *lenet, *data.train));

  Title(2, absl::StrCat("Train it on ", WithCommas(data.train->size()), " drawn digits"));
  WEFT_ASSIGN_OR_RETURN(const Model trained, TrainLeNet(std::move(model), a, *lenet, data));

  Title(3, absl::StrCat("Evaluate it on ", WithCommas(data.test->size()), " held-out digits"));
  WEFT_ASSIGN_OR_RETURN(const auto session,
                        Session::Create(trained, {.threads = a.threads, .optimize = false}));
  WEFT_ASSIGN_OR_RETURN(const Evaluation result, session->Evaluate(data.test));
  Print("accuracy %s\n", AccuracyText(result).c_str());
  const DemoArguments defaults;
  const bool shortened = a.epochs < defaults.epochs || a.examples < defaults.examples;
  if (!shortened && result.accuracy() < kExpectedAccuracy) {
    return absl::InternalError(absl::StrCat("the accuracy is ", AccuracyText(result),
                                            ", expected at least ", 100 * kExpectedAccuracy, " %"));
  }

  Title(4, "Save it and load it back");
  WEFT_RETURN_IF_ERROR(UseModel(trained, a, data, result));
  if (!a.output.empty()) {
    Print("\na page that looks inside it:\n  weft report %s --data %s -o report.html\n",
          a.output.c_str(), spec.c_str());
  }
  return absl::OkStatus();
}

}  // namespace

Command AddDemo(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "demo", "From the builder to recognised digits: build, train, save, load, optimize, run");
  auto a = std::make_shared<DemoArguments>();
  app->add_option("--epochs", a->epochs, "Passes over the data")->capture_default_str();
  app->add_option("--examples", a->examples, "Training images")->capture_default_str();
  app->add_option("--seed", a->seed, "Of weights and shuffling")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  app->add_option("-o,--output", a->output, "Keep the trained model in this file");
  app->footer("Example: weft demo --epochs 3");
  return {app, [a] { return Demo(*a); }};
}

}  // namespace weft
