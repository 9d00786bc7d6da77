#include <filesystem>
#include <memory>
#include <system_error>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/inspect/layers/filters.h"
#include "frontend/inspect/map_picture.h"

namespace weft {
namespace {

struct FiltersArguments {
  std::string at;
  std::string layout = "auto";
  FilterPictureOptions options;
};

absl::StatusOr<FilterLayout> ParseFilterLayout(const std::string& text) {
  if (text == "auto") return FilterLayout::kAuto;
  if (text == "colors") return FilterLayout::kColors;
  if (text == "pairs") return FilterLayout::kPairs;
  if (text == "means") return FilterLayout::kMeans;
  return absl::InvalidArgumentError(
      absl::StrCat("--show: expected auto, colors, pairs or means, got ", text));
}

absl::Status SaveOrPrint(const std::string& output, const Picture& picture) {
  return output.empty() ? PrintPicture(picture) : SavePicture(output, picture);
}

absl::Status ShowFilters(const Model& model, const InspectArguments& a, FiltersArguments f) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png", ".npy"}));
  WEFT_ASSIGN_OR_RETURN(f.options.layout, ParseFilterLayout(f.layout));
  WEFT_ASSIGN_OR_RETURN(const Filters filters, FiltersOf(model, f.at));
  WEFT_ASSIGN_OR_RETURN(f.options.layout, LayoutFor(filters, f.options.layout));
  const char* shown = f.options.layout == FilterLayout::kColors  ? "in colors"
                      : f.options.layout == FilterLayout::kPairs ? "a row an output"
                                                                 : "means over inputs";
  Print("%s: weights %s, %s\n", filters.layer.c_str(), ToString(filters.weights.type()).c_str(),
        shown);
  if (a.output.ends_with(".npy")) return SaveArray(a.output, filters.weights, "weights");
  WEFT_ASSIGN_OR_RETURN(const Picture picture, FiltersPicture(filters, f.options));
  return SaveOrPrint(a.output, picture);
}

InspectMethod AddFilters(CLI::App& inspect, const std::shared_ptr<InspectArguments>& a) {
  CLI::App* app = inspect.add_subcommand("filters", "The kernels of a convolution as a grid");
  auto f = std::make_shared<FiltersArguments>();
  app->add_option("--at", f->at, "The convolution (default: the first one)");
  app->add_option("--show", f->layout,
                  "colors, of 3 inputs; pairs, a row an output and a map an input; means over "
                  "inputs; auto: the first of these that fits")
      ->capture_default_str();
  app->add_flag("--each", f->options.each, "Each kernel in its own range (default: one for all)");
  app->add_option("--columns", f->options.columns, "Kernels a row (default: about a square)");
  app->add_option("--scale", f->options.scale, "Pixels a weight (default: 32 or more a kernel)");
  AddInspectOutput(*app, *a,
                   "The picture to write, .png, or the weights, .npy (default: the terminal)");
  return {app, [a, f](const Model& model) { return ShowFilters(model, *a, *f); }};
}

struct ActivationsArguments {
  std::string at;
  ActivationPictureOptions options;
};

// A name as one of a file: letters, digits, dots and dashes stay.
std::string FileNameOf(const std::string& layer) {
  std::string name = layer;
  for (char& c : name) {
    const bool stays = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '-';
    if (!stays) c = '_';
  }
  return name;
}

absl::Status CheckIsFolder(const std::string& output) {
  for (const std::string_view ending : {".png", ".npy", ".svg", ".jpg", ".jpeg"}) {
    if (!output.ends_with(ending)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--output: expected a folder for all layers, or --at with one for a file, got ", output));
  }
  return absl::OkStatus();
}

// One picture a layer, numbered in the layers' order.
absl::Status SaveAllActivations(const std::string& folder, std::span<const LayerActivation> layers,
                                const ActivationPictureOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("--output: ", folder, ": cannot make this folder: ", error.message()));
  }
  const size_t digits = absl::StrCat(layers.size()).size();
  bool saved = false;
  for (size_t i = 0; i < layers.size(); ++i) {
    std::string number = absl::StrCat(i + 1);
    number.insert(0, digits - number.size(), '0');
    absl::StatusOr<Picture> picture = ActivationPicture(layers[i].values, options);
    if (!picture.ok()) {
      Print("%s is left out: %s\n", layers[i].layer.c_str(),
            std::string(picture.status().message()).c_str());
      continue;
    }
    saved = true;
    WEFT_RETURN_IF_ERROR(SavePicture(
        absl::StrCat(folder, "/", number, "-", FileNameOf(layers[i].layer), ".png"), *picture));
  }
  if (saved) return absl::OkStatus();
  return absl::InvalidArgumentError("activations: no layer has values that make a picture");
}

absl::Status ShowActivations(const Model& model, const InspectArguments& a,
                             ActivationsArguments what) {
  if (a.output.empty()) what.options.background = 0;  // ink is for what is large
  if (what.at.empty()) {
    WEFT_RETURN_IF_ERROR(CheckIsFolder(a.output));
  } else {
    WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png", ".npy"}));
  }
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  std::vector<std::string> at;
  if (!what.at.empty()) at.push_back(what.at);
  WEFT_ASSIGN_OR_RETURN(const std::vector<LayerActivation> layers,
                        Activations(model, example.x, at, {.threads = a.threads}));
  if (what.at.empty() && !a.output.empty()) {
    return SaveAllActivations(a.output, layers, what.options);
  }
  if (!what.at.empty() && a.output.ends_with(".npy")) {
    return SaveArray(a.output, layers[0].values, "activations");
  }
  for (const LayerActivation& layer : layers) {
    const ValueRange range = RangeOf(layer.values.values<float>(), false);
    Print("%s (%s): %s, from %.4g to %.4g\n", layer.layer.c_str(), layer.op.c_str(),
          ToString(layer.values.type()).c_str(), range.low, range.high);
  }
  if (what.at.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Picture picture, ActivationPicture(layers[0].values, what.options));
  return SaveOrPrint(a.output, picture);
}

InspectMethod AddActivations(CLI::App& inspect, const std::shared_ptr<InspectArguments>& a) {
  CLI::App* app = inspect.add_subcommand("activations",
                                         "What every layer makes of an example, a map a channel");
  auto what = std::make_shared<ActivationsArguments>();
  app->add_option("--at", what->at, "One layer (default: all)");
  app->add_flag("--each", what->options.each, "Each map in its own range (default: a layer's)");
  app->add_option("--columns", what->options.columns, "Maps a row (default: about a square)");
  app->add_option("--scale", what->options.scale, "Pixels an element (default: 32 or more a map)");
  AddInspectExample(*app, *a);
  AddInspectOutput(*app, *a,
                   "Of all layers a folder, for a picture each; with --at the picture, .png, or "
                   "the values, .npy (default: the terminal)");
  return {app, [a, what](const Model& model) { return ShowActivations(model, *a, *what); }};
}

}  // namespace

std::vector<InspectMethod> AddLayerMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  return {AddFilters(inspect, a), AddActivations(inspect, a)};
}

}  // namespace weft
