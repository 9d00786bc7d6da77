#include "frontend/inspect/attribution/attribution.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/attribution/attribution_picture.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/names.h"
#include "frontend/watch/plot.h"

namespace weft {
namespace {

using AddFlags = void (*)(CLI::App&, AttributionOptions&);

void AddLayerFlag(CLI::App& app, AttributionOptions& o) {
  app.add_option("--at", o.at, "The layer whose maps are weighted (default: the last with maps)");
}
void AddOcclusionFlags(CLI::App& app, AttributionOptions& o) {
  app.add_option("--window", o.window,
                 "Places a side that are filled at a time (default: an eighth of the longer side)");
  app.add_option("--stride", o.stride, "Places between windows (default: half of the window)");
  app.add_option("--fill", o.fill,
                 "What a window is filled with, in the input's numbers (default: each channel's "
                 "mean)");
}
void AddPathFlags(CLI::App& app, AttributionOptions& o) {
  app.add_option("--baseline", o.baseline,
                 "The input without information: this number everywhere, after normalisation")
      ->capture_default_str();
  app.add_option("--steps", o.steps, "Gradients on the way from the baseline, at least")
      ->capture_default_str();
  app.add_option("--completeness", o.completeness,
                 "Three times as many steps until the completeness error is at most this")
      ->capture_default_str();
}
void AddNoiseFlags(CLI::App& app, AttributionOptions& o) {
  app.add_option("--samples", o.samples, "Gradients of the picture with noise")
      ->capture_default_str();
  app.add_option("--noise", o.noise, "The noise's deviation, as a share of the input's range")
      ->capture_default_str();
  app.add_option("--seed", o.seed, "Of the noise")->capture_default_str();
}

// What a method takes besides what all take.
struct MethodFlags {
  std::string_view method;
  AddFlags add;
};
constexpr MethodFlags kMethodFlags[] = {
    {"integrated-gradients", AddPathFlags},
    {"smoothgrad", AddNoiseFlags},
    {"occlusion", AddOcclusionFlags},
    {"grad-cam", AddLayerFlag},
    {"cam", AddLayerFlag},
};

// What one method of the command is asked for.
struct AttributionArguments {
  AttributionOptions options = {};
  std::string target = {};  // a class's number or name
};

std::shared_ptr<AttributionArguments> AddAttributionFlags(CLI::App& app, InspectArguments& a,
                                                          const std::string& output) {
  auto arguments = std::make_shared<AttributionArguments>();
  app.add_option("--class", arguments->target,
                 "The class that is explained, its number or name (default: the predicted one)");
  app.add_option("--batch", arguments->options.batch_size,
                 "Inputs a run, of methods with several (default: 32, of large ones fewer)");
  AddInspectExample(app, a);
  AddInspectOutput(app, a, output);
  return arguments;
}

absl::StatusOr<std::optional<int64_t>> ClassOf(const Model& model, const std::string& text) {
  if (text.empty()) return std::optional<int64_t>();
  if (int64_t number = 0; absl::SimpleAtoi(text, &number)) return std::optional<int64_t>(number);
  const auto found = std::ranges::find(model.class_names, text);
  if (found != model.class_names.end()) {
    return std::optional<int64_t>(found - model.class_names.begin());
  }
  const std::vector<std::string_view> names(model.class_names.begin(), model.class_names.end());
  const std::string_view nearest = NearestName(text, names);
  return absl::NotFoundError(
      absl::StrCat("--class: expected a class's number or name, got ", text,
                   nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
}

// The options that a run has of the command's arguments.
absl::StatusOr<AttributionOptions> OptionsOf(const Model& model, const InspectArguments& a,
                                             const AttributionArguments& arguments) {
  AttributionOptions options = arguments.options;
  options.session.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(options.target, ClassOf(model, arguments.target));
  return options;
}

void PrintExplained(const Model& model, const Example& example, const Attribution& what) {
  Print("%s: %s, score %.4g", example.name.c_str(), ClassName(model, what.target).c_str(),
        what.score);
  if (example.label && *example.label != what.target) {
    Print(" (it is %s)", ClassName(model, *example.label).c_str());
  }
  if (!what.layer.empty()) Print(", maps of %s", what.layer.c_str());
  if (what.completeness_error) Print(", completeness error %.2g", *what.completeness_error);
  Print("\n");
}

bool IsSignal(const Attribution& what) { return what.map.dims()[0] == 1; }

absl::Status PrintAttribution(const Attribution& what) {
  if (!IsSignal(what)) return PrintMap(what.map);
  Series curve{.name = "attribution"};
  for (int64_t i = 0; i < what.map.size(); ++i) {
    curve.x.push_back(static_cast<double>(i));
    curve.y.push_back(what.map.At(i));
  }
  Print("%s", PlotText(std::span(&curve, 1), {.x_label = "sample"}).c_str());
  return absl::OkStatus();
}

absl::Status SaveAttribution(const std::string& path, const Example& example,
                             const std::string& title, const Attribution& what) {
  if (path.ends_with(".npy")) {
    const Tensor& array = what.elements.is_empty() ? what.map : what.elements;
    return SaveArray(path, array, "attribution");
  }
  if (path.ends_with(".svg")) {
    WEFT_ASSIGN_OR_RETURN(const std::string svg, SignalAttributionSvg(example.x, what, title));
    return SaveText(path, svg);
  }
  if (example.picture) {
    WEFT_ASSIGN_OR_RETURN(const Picture picture, AttributionPicture(*example.picture, what));
    return SavePicture(path, picture);
  }
  WEFT_ASSIGN_OR_RETURN(const Picture picture, AttributionMapPicture(what));
  return SavePicture(path, picture);
}

absl::Status RunAttribution(const Model& model, const InspectArguments& a,
                            const AttributionMethod& method,
                            const AttributionArguments& arguments) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png", ".svg", ".npy"}));
  WEFT_ASSIGN_OR_RETURN(const AttributionOptions options, OptionsOf(model, a, arguments));
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  if (a.output.ends_with(".svg") && example.picture) {
    return absl::InvalidArgumentError(
        "--output: expected .png or .npy for a picture, .svg is for signals");
  }
  WEFT_ASSIGN_OR_RETURN(const Attribution what, method.run(model, example.x, options));
  PrintExplained(model, example, what);
  const std::string title =
      absl::StrCat(Absl(method.title), ": ", example.name, ", ", ClassName(model, what.target));
  return a.output.empty() ? PrintAttribution(what)
                          : SaveAttribution(a.output, example, title, what);
}

// All methods that the network allows; those that it does not say why.
absl::Status RunAllAttributions(const Model& model, const InspectArguments& a,
                                const AttributionArguments& arguments) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png"}));
  WEFT_ASSIGN_OR_RETURN(const AttributionOptions options, OptionsOf(model, a, arguments));
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  if (!example.picture) {
    return absl::InvalidArgumentError(
        absl::StrCat(example.name, ": expected a picture, for a signal see the single methods"));
  }
  const Attributor attributor(model);
  std::vector<TitledAttribution> all;
  for (const AttributionMethod& method : AttributionMethods()) {
    absl::StatusOr<Attribution> what = method.run(attributor, example.x, options);
    // An op of an optimized file may have no gradient.
    if (absl::IsFailedPrecondition(what.status()) || absl::IsUnimplemented(what.status())) {
      Print("%s is left out: %s\n", std::string(method.title).c_str(),
            std::string(what.status().message()).c_str());
      continue;
    }
    WEFT_RETURN_IF_ERROR(what.status());
    if (all.empty()) PrintExplained(model, example, *what);
    all.push_back({std::string(method.title), *std::move(what)});
  }
  if (all.empty()) {
    return absl::FailedPreconditionError("attribution: the network allows none of the methods");
  }
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, AttributionSheet(*example.picture, all));
  return SavePicture(a.output, sheet);
}

InspectMethod AddAllAttributions(CLI::App& inspect, const std::shared_ptr<InspectArguments>& a) {
  CLI::App* app = inspect.add_subcommand(
      "attribution", "What each pixel has to do with the score, by all methods on one sheet");
  const auto arguments = AddAttributionFlags(*app, *a, "The picture to write, .png");
  app->get_option("--output")->required();
  app->footer("Example: weft inspect digits.weft attribution --index 3 -o why.png");
  AddPathFlags(*app, arguments->options);
  AddNoiseFlags(*app, arguments->options);
  AddOcclusionFlags(*app, arguments->options);
  return {app,
          [a, arguments](const Model& model) { return RunAllAttributions(model, *a, *arguments); }};
}

}  // namespace

std::vector<InspectMethod> AddAttributionMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a) {
  std::vector<InspectMethod> methods;
  for (const AttributionMethod& method : AttributionMethods()) {
    CLI::App* app = inspect.add_subcommand(std::string(method.name), std::string(method.doc));
    const auto arguments = AddAttributionFlags(
        *app, *a,
        "What to write: .png, the picture and the map on it; .svg, a signal's curves; .npy, the "
        "numbers (default: drawn in the terminal)");
    app->footer(absl::StrCat("Example: weft inspect digits.weft ", Absl(method.name),
                             " --index 3 -o why.png"));
    for (const MethodFlags& flags : kMethodFlags) {
      if (flags.method == method.name) flags.add(*app, arguments->options);
    }
    methods.push_back({app, [a, &method, arguments](const Model& model) {
                         return RunAttribution(model, *a, method, *arguments);
                       }});
  }
  methods.push_back(AddAllAttributions(inspect, a));
  return methods;
}

}  // namespace weft
