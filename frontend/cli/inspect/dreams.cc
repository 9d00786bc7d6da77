#include <algorithm>
#include <memory>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/ascent_options.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/units/deep_dream.h"
#include "frontend/inspect/units/inversion.h"
#include "frontend/inspect/units/style_transfer.h"
#include "frontend/io/decode.h"

namespace weft {
namespace {

constexpr int64_t kLeastDreamPixels = 224;  // of the longer side of a picture that is written

// A picture of its own size: the file's, or the example's.
absl::StatusOr<Picture> FreePicture(const Model& model, const InspectArguments& a,
                                    const std::string& image, int64_t index) {
  if (!image.empty()) return LoadPicture(image);
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const Example example, ExampleOf(*dataset, index));
  if (example.picture) return *example.picture;
  return absl::InvalidArgumentError(absl::StrCat(example.name, ": expected a picture"));
}

void AddFreePicture(CLI::App& app, InspectArguments& a) {
  app.add_option("--image", a.image, "The picture, of any size");
  app.add_option("--index", a.index, "Without --image: the example's number in the data")
      ->capture_default_str();
  AddInspectData(app, a);
}

// Pictures beside one another, small ones enlarged.
absl::Status SaveBeside(const std::string& path, std::span<const Picture> pictures,
                        const Tensor& x) {
  std::vector<Picture> shown;
  for (const Picture& p : pictures) {
    const int64_t longer = std::max(p.height, p.width);
    shown.push_back(Enlarged(p, std::max<int64_t>(1, kLeastDreamPixels / longer)));
  }
  if (path.empty()) return SaveAscent(path, pictures.back(), x);
  return SaveAscent(path, SideBySide(shown), x);
}

absl::Status RunDeepDream(const Model& model, const InspectArguments& a, DeepDreamOptions options) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, AscentEndings()));
  WEFT_ASSIGN_OR_RETURN(const Picture picture, FreePicture(model, a, a.image, a.index));
  options.ascent = WithProgress(options.ascent, a);
  WEFT_ASSIGN_OR_RETURN(const DeepDreamResult dream, DeepDream(model, picture, options));
  Print("%s: from %.4g to %.4g\n", options.at.c_str(), dream.before, dream.after);
  return SaveAscent(a.output, dream.picture, dream.x);
}

struct StyleArguments {
  std::string style;
  int64_t style_index = 1;
  StyleOptions options;
};

absl::Status RunStyle(const Model& model, const InspectArguments& a, const StyleArguments& s) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, AscentEndings()));
  WEFT_ASSIGN_OR_RETURN(const Picture content, FreePicture(model, a, a.image, a.index));
  WEFT_ASSIGN_OR_RETURN(const Picture style, FreePicture(model, a, s.style, s.style_index));
  StyleOptions options = s.options;
  options.ascent = WithProgress(options.ascent, a);
  WEFT_ASSIGN_OR_RETURN(const StyleResult result, TransferStyle(model, content, style, options));
  for (const StyleTerm& term : result.terms) {
    Print("%s %s: distance %.4g, was %.4g\n", term.is_style ? "style" : "content",
          term.layer.c_str(), term.after, term.before);
  }
  return SaveBeside(a.output, {{content, style, result.picture}}, result.x);
}

absl::Status RunInvert(const Model& model, const InspectArguments& a, InversionOptions options) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, AscentEndings()));
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  options.ascent = WithProgress(options.ascent, a);
  WEFT_ASSIGN_OR_RETURN(const InversionResult found, InvertFeatures(model, example.x, options));
  Print("%s: features differ by %.2g %%, levels by %.1f of 255\n", example.name.c_str(),
        100 * found.feature_error, 255 * found.picture_error);
  if (!example.picture) return SaveAscent(a.output, found.picture, found.x);
  return SaveBeside(a.output, {{*example.picture, found.picture}}, found.x);
}

constexpr char kDreamOutput[] =
    "The picture to write, .png, or the input as .npy (default: drawn in the terminal)";

InspectMethod AddDeepDream(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand(
      "deepdream", "Makes more of what a layer sees in a picture (DeepDream)");
  auto o = std::make_shared<DeepDreamOptions>();
  app->add_option("--at", o->at, "The layer, by its node's name")->required();
  app->add_option("--unit", o->channel, "One of its channels (default: all)");
  app->add_option("--octaves", o->octaves, "Sizes of the picture, its own the last")
      ->capture_default_str();
  app->add_option("--octave-scale", o->octave_scale, "From one size to the next")
      ->capture_default_str();
  AddAscentOptions(*app, o->ascent, /*choose_parameters=*/false);
  AddFreePicture(*app, *a);
  AddInspectOutput(*app, *a, kDreamOutput);
  app->footer(
      "Example: weft inspect resnet.weft deepdream --at layer3.0.relu2 --image sky.png -o "
      "dream.png");
  return {app, [a, o](const Model& model) { return RunDeepDream(model, *a, *o); }};
}

InspectMethod AddStyle(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand("style", "A picture in the style of another one");
  auto s = std::make_shared<StyleArguments>();
  StyleOptions& o = s->options;
  app->add_option("--style", s->style, "The picture whose style is taken, of any size");
  app->add_option("--style-index", s->style_index,
                  "Without --style: the example's number in the data")
      ->capture_default_str();
  app->add_option("--style-layer", o.style_layers,
                  "A layer for style; may be given again (default: the last activation of each "
                  "size of maps)")
      ->allow_extra_args(false);
  app->add_option("--content-layer", o.content_layers,
                  "A layer for content; may be given again (default: the last but one of those)")
      ->allow_extra_args(false);
  app->add_option("--style-weight", o.style_weight, "Of all style layers together")
      ->capture_default_str();
  app->add_option("--content-weight", o.content_weight, "Of all content layers together")
      ->capture_default_str();
  app->add_flag("--from-noise", o.from_noise, "Begin with noise instead of the content");
  AddAscentOptions(*app, o.ascent, /*choose_parameters=*/false);
  AddFreePicture(*app, *a);
  AddInspectOutput(*app, *a, kDreamOutput);
  app->footer(
      "Example: weft inspect resnet.weft style --image cat.png --style painting.png -o styled.png");
  return {app, [a, s](const Model& model) { return RunStyle(model, *a, *s); }};
}

InspectMethod AddInvert(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  CLI::App* app =
      inspect.add_subcommand("invert", "A picture from a layer's activations: what it still knows");
  auto o = std::make_shared<InversionOptions>();
  app->add_option("--at", o->at, "The layer, by its node's name (default: the scores)");
  AddAscentOptions(*app, o->ascent, /*choose_parameters=*/true);
  AddInspectExample(*app, *a);
  AddInspectOutput(*app, *a, kDreamOutput);
  app->footer("Example: weft inspect digits.weft invert --at block2.relu --index 3 -o known.png");
  return {app, [a, o](const Model& model) { return RunInvert(model, *a, *o); }};
}

}  // namespace

std::vector<InspectMethod> AddDreamMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  return {AddDeepDream(inspect, a), AddStyle(inspect, a), AddInvert(inspect, a)};
}

}  // namespace weft
