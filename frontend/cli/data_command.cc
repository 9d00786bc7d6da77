#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/option_flags.h"
#include "frontend/data/augment/augmented.h"
#include "frontend/data/contact_sheet.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/statistics.h"
#include "frontend/io/png.h"
#include "frontend/train/model_data.h"
#include "graph/number_text.h"

namespace weft {
namespace {

constexpr size_t kMostLines = 10;  // of what may be long

struct DataArguments {
  std::string spec;
  std::string preview;
  std::string augment;
  std::shared_ptr<Config> given = std::make_shared<Config>();
};

// One split and what is in it.
struct InspectedSplit {
  std::shared_ptr<const Dataset> dataset;
  DatasetStatistics statistics;
};

absl::StatusOr<InspectedSplit> Inspect(std::shared_ptr<const Dataset> dataset) {
  InspectedSplit split = {.dataset = std::move(dataset), .statistics = {}};
  WEFT_ASSIGN_OR_RETURN(split.statistics, InspectDataset(*split.dataset));
  return split;
}

void PrintClasses(const InspectedSplit& train, const InspectedSplit* test) {
  const std::vector<std::string>& names = train.dataset->class_names();
  if (names.empty()) return;  // numbers to be given
  size_t width = 5;
  for (const std::string& name : names) width = std::max(width, name.size());
  Print("%-*s %12s%s\n", static_cast<int>(width), "class", "train", test ? "         test" : "");
  for (size_t c = 0; c < names.size(); ++c) {
    Print("%-*s %12s", static_cast<int>(width), names[c].c_str(),
          WithCommas(train.statistics.class_counts[c]).c_str());
    if (test) Print(" %12s", WithCommas(test->statistics.class_counts[c]).c_str());
    Print("\n");
  }
}

void PrintSizes(const DatasetStatistics& s) {
  if (s.sizes.empty()) return;
  std::vector<std::pair<int64_t, std::pair<int64_t, int64_t>>> sizes;
  for (const auto& [size, count] : s.sizes) sizes.emplace_back(count, size);
  std::ranges::stable_sort(sizes, [](const auto& a, const auto& b) { return a.first > b.first; });
  Print("  height x width:");
  for (size_t i = 0; i < std::min(sizes.size(), kMostLines); ++i) {
    Print("%s %lldx%lld (%s)", i == 0 ? "" : ",", static_cast<long long>(sizes[i].second.first),
          static_cast<long long>(sizes[i].second.second), WithCommas(sizes[i].first).c_str());
  }
  if (sizes.size() > kMostLines) Print(" and %zu more", sizes.size() - kMostLines);
  Print("\n");
}

// "[3,32,32]", or "image [3,32,32], features [4]".
std::string SizesText(const Dataset& dataset) {
  if (dataset.parts().empty()) return ToString(dataset.example_dims());
  std::string text;
  for (const ExamplePart& part : dataset.parts()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", part.name, " ",
                    ToString(dataset.part_dims(part)));
  }
  return text;
}

void PrintLevels(const std::string& what, const ChannelSums& sums, int64_t channels) {
  Print("  %smean", what.c_str());
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) Print(" %.4f", sums.Mean(c));
  Print(", deviation");
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) Print(" %.4f", sums.Deviation(c));
  Print("\n");
}

void PrintSplit(const InspectedSplit& split) {
  const DatasetStatistics& s = split.statistics;
  const Dataset& dataset = *split.dataset;
  const std::vector<ExamplePart>& parts = dataset.parts();
  Print("%s: %s examples, read as %s\n", dataset.name().c_str(), WithCommas(s.examples).c_str(),
        SizesText(dataset).c_str());
  PrintSizes(s);
  if (dataset.is_normalised()) {
    PrintLevels(parts.empty() ? "" : parts[0].name + ": ", s.sums,
                dataset.preprocessing().channels);
  }
  for (size_t i = dataset.is_images() ? 1 : 0; i < parts.size(); ++i) {
    PrintLevels(parts[i].name + ": ", s.parts[i], 1);
  }
  if (s.unreadable.empty()) return;
  Print("  %s unreadable (--skip-unreadable leaves them out):\n",
        WithCommas(static_cast<int64_t>(s.unreadable.size())).c_str());
  for (size_t i = 0; i < std::min(s.unreadable.size(), kMostLines); ++i) {
    Print("    %s\n", s.unreadable[i].c_str());
  }
}

void PrintDuplicates(const InspectedSplit& train, const InspectedSplit& test) {
  const auto pairs = FindDuplicates(train.statistics, test.statistics);
  if (pairs.empty()) {
    Print("no example is in both splits\n");
    return;
  }
  Print("%s examples are in both splits:\n",
        WithCommas(static_cast<int64_t>(pairs.size())).c_str());
  for (size_t i = 0; i < std::min(pairs.size(), kMostLines); ++i) {
    Print("  %s = %s\n", ExampleName(*train.dataset, pairs[i].first).c_str(),
          ExampleName(*test.dataset, pairs[i].second).c_str());
  }
}

absl::Status WritePreview(const std::shared_ptr<const Dataset>& dataset, const DataArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline pipeline, ParsePipeline(a.augment));
  WEFT_ASSIGN_OR_RETURN(const auto shown,
                        AugmentedDataset(dataset, pipeline, dataset->preprocessing()));
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, ContactSheet(*shown));
  WEFT_RETURN_IF_ERROR(WritePng(a.preview, sheet));
  Print("saved %s\n", a.preview.c_str());
  return absl::OkStatus();
}

absl::Status ShowData(const DataArguments& a) {
  if (!a.preview.empty()) WEFT_RETURN_IF_ERROR(CheckOutputPath(a.preview));
  DataOptions options;
  WEFT_RETURN_IF_ERROR(ReadOptions(*a.given, options));
  WEFT_ASSIGN_OR_RETURN(auto train_data, OpenDataset(a.spec, Split::kTrain, options));
  const auto test_data = OpenDataset(a.spec, Split::kTest, options);
  if (!test_data.ok() && test_data.status().code() != absl::StatusCode::kNotFound) {
    return test_data.status();
  }
  WEFT_ASSIGN_OR_RETURN(const InspectedSplit train, Inspect(std::move(train_data)));
  PrintSplit(train);
  if (test_data.ok()) {
    WEFT_ASSIGN_OR_RETURN(const InspectedSplit test, Inspect(*test_data));
    PrintSplit(test);
    PrintClasses(train, &test);
    PrintDuplicates(train, test);
  } else {
    PrintClasses(train, nullptr);
    Print("note: %s\n", std::string(test_data.status().message()).c_str());
  }
  return a.preview.empty() ? absl::OkStatus() : WritePreview(train.dataset, a);
}

}  // namespace

Command AddData(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "data", "What is in a data set: classes, sizes, means, unreadable files, duplicates");
  auto a = std::make_shared<DataArguments>();
  app->add_option("spec", a->spec, DataSpecs())->required();
  app->add_option("--preview", a->preview, "A PNG to write with examples and their labels");
  app->add_option("--augment", a->augment, "Random changes of the examples in the preview");
  AddFlagsOf<DataOptions>(*app, a->given);
  app->footer(
      "Example: weft data folder:pets --val-split 0.2 --preview pets.png\n\n"
      "What --augment knows:\n" +
      DescribeTransforms());
  return {app, [a] { return ShowData(*a); }};
}

}  // namespace weft
