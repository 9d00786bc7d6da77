#include <memory>
#include <optional>
#include <string>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/option_flags.h"
#include "frontend/io/npy.h"
#include "frontend/train/finetune_features.h"
#include "frontend/train/model_data.h"

namespace weft {
namespace {

struct FeaturesArguments {
  std::string file;
  std::shared_ptr<Config> given = std::make_shared<Config>();  // the data's options
  std::string split = "test";
  std::string output;
  std::string labels;
  std::optional<int64_t> neighbours;
  bool probe = false;
  FeatureOptions options;
  ProbeOptions training;
};

absl::Status CheckFeaturesArguments(const FeaturesArguments& a) {
  if (a.output.empty() && a.labels.empty() && !a.neighbours && !a.probe) {
    return absl::InvalidArgumentError("expected something to do: -o, --labels, --knn or --probe");
  }
  if (a.split != "train" && a.split != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split: expected train or test, got ", a.split));
  }
  for (const std::string* path : {&a.output, &a.labels}) {
    if (path->empty()) continue;
    WEFT_RETURN_IF_ERROR(CheckArrayPath(*path));
  }
  return absl::OkStatus();
}

absl::StatusOr<Features> FeaturesOf(const Model& model, const FeaturesArguments& a, Split split) {
  WEFT_ASSIGN_OR_RETURN(const DataSource source, DataSourceFor(model, *a.given));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, OpenDataFor(model, source, split));
  auto features = ComputeFeatures(model, dataset, a.options);
  if (!features.ok()) return Annotate(features.status(), a.file);
  Print("%s: features %s\n", dataset->name().c_str(), ToString(features->values.type()).c_str());
  return features;
}

void PrintCorrect(const char* what, int64_t correct, const Features& test) {
  Print("%s: accuracy %s\n", what,
        AccuracyText({.count = test.labels.size(), .correct = correct}).c_str());
}

// How well the training examples' features tell the test examples' classes.
absl::Status Judge(const FeaturesArguments& a, const Features& train, const Features& test) {
  if (a.neighbours) {
    WEFT_ASSIGN_OR_RETURN(const int64_t correct, CountNearest(train, test, *a.neighbours));
    PrintCorrect(absl::StrCat(*a.neighbours, " nearest neighbours").c_str(), correct, test);
  }
  if (a.probe) {
    WEFT_ASSIGN_OR_RETURN(const int64_t correct, CountProbed(train, test, a.training));
    PrintCorrect("linear probe", correct, test);
  }
  return absl::OkStatus();
}

absl::Status MakeFeatures(const FeaturesArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckFeaturesArguments(a));
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.file));
  const bool judges = a.neighbours || a.probe;
  const bool test_written = a.split == "test";
  Features train, test;
  if (judges || !test_written) {
    WEFT_ASSIGN_OR_RETURN(train, FeaturesOf(model, a, Split::kTrain));
  }
  if (judges || test_written) {
    WEFT_ASSIGN_OR_RETURN(test, FeaturesOf(model, a, Split::kTest));
  }
  const Features& written = test_written ? test : train;
  if (!a.output.empty()) {
    WEFT_RETURN_IF_ERROR(WriteArray(a.output, written.values, "features"));
    Print("saved %s\n", a.output.c_str());
  }
  if (!a.labels.empty()) {
    WEFT_RETURN_IF_ERROR(WriteArray(a.labels, written.labels, "labels"));
    Print("saved %s\n", a.labels.c_str());
  }
  return Judge(a, train, test);
}

}  // namespace

Command AddFeatures(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "features", "What a model makes of a data set at a node, and how well it tells the classes");
  auto a = std::make_shared<FeaturesArguments>();
  app->add_option("file", a->file, "A .weft or .onnx file")->required();
  AddFlagsOf<DataSource>(*app, a->given);
  app->add_option("--split", a->split, "Whose features are written: train or test")
      ->capture_default_str();
  app->add_option("--at", a->options.at,
                  "The node (see weft show; default: what the last layer before the scores reads)");
  app->add_option("-o,--output", a->output, "The array to write, .npy, one row an example");
  app->add_option("--labels", a->labels, "The file for their labels, .npy");
  app->add_option("--knn", a->neighbours,
                  "Accuracy on the test data by so many nearest neighbours (cosine) of the "
                  "training data");
  app->add_flag("--probe", a->probe, "Accuracy of one linear layer trained on the features");
  app->add_option("--batch", a->options.batch_size, "Images a run")->capture_default_str();
  app->add_option("--threads", a->options.threads,
                  "Threads (default: all CPUs this process may use)");
  app->footer(
      "Examples: weft features a.weft --data mnist:data/mnist -o x.npy --labels y.npy\n"
      "          weft features a.weft --data digits --at pool1 --knn 5 --probe");
  return {app, [a] {
            a->training.threads = a->options.threads;
            return MakeFeatures(*a);
          }};
}

}  // namespace weft
