#include "frontend/inspect/attribution.h"

#include <memory>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/map_picture.h"

namespace weft {
namespace {

constexpr int64_t kLeastPixels = 224;  // of a picture that is written

void PrintAttribution(const Model& model, const Example& example, const Attribution& what) {
  Print("%s: %s, score %.4g", example.name.c_str(), ClassName(model, what.target).c_str(),
        what.score);
  if (example.label && *example.label != what.target) {
    Print(" (it is %s)", ClassName(model, *example.label).c_str());
  }
  if (what.completeness_error) Print(", completeness error %.2g", *what.completeness_error);
  Print("\n");
}

// The picture, and beside it the map on it.
absl::Status SaveAttribution(const std::string& path, const Example& example,
                             const Attribution& what) {
  if (!example.picture) {
    const ValueRange range = RangeOf(what.map.values<float>(), what.is_signed);
    WEFT_ASSIGN_OR_RETURN(
        const Picture picture,
        MapPicture(what.map, what.is_signed ? ColorMap::kDiverging : ColorMap::kHeat, range));
    return SavePicture(path, picture);
  }
  const int64_t longer = std::max(example.picture->height, example.picture->width);
  const Picture shown =
      Enlarged(*example.picture, std::max<int64_t>(1, (kLeastPixels + longer - 1) / longer));
  WEFT_ASSIGN_OR_RETURN(const Picture overlay,
                        OverlayPicture(shown, what.map, {.is_signed = what.is_signed}));
  return SavePicture(path, SideBySide({{shown, overlay}}));
}

absl::Status RunAttribution(const Model& model, const InspectArguments& a,
                            const AttributionMethod& method, AttributionOptions options) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png"}));
  options.session.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  WEFT_ASSIGN_OR_RETURN(const Attribution what, method.run(model, example.x, options));
  PrintAttribution(model, example, what);
  return a.output.empty() ? PrintMap(what.map) : SaveAttribution(a.output, example, what);
}

}  // namespace

std::vector<InspectMethod> AddAttributionMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a) {
  std::vector<InspectMethod> methods;
  for (const AttributionMethod& method : AttributionMethods()) {
    CLI::App* app = inspect.add_subcommand(std::string(method.name), std::string(method.doc));
    auto options = std::make_shared<AttributionOptions>();
    app->add_option("--class", options->target, "The class's number (default: the predicted one)");
    AddInspectExample(*app, *a);
    AddInspectOutput(*app, *a, "The picture to write, .png (default: drawn in the terminal)");
    methods.push_back({app, [a, &method, options](const Model& model) {
                         return RunAttribution(model, *a, method, *options);
                       }});
  }
  return methods;
}

}  // namespace weft
