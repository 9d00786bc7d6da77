#include "frontend/inspect/layers/loss_surface.h"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/cli/interrupt.h"
#include "frontend/inspect/layers/contours.h"
#include "frontend/inspect/map_picture.h"

namespace weft {
namespace {

struct LossSurfaceArguments {
  LossSurfaceOptions options;
  bool linear = false;
};

absl::Status SaveSurface(const std::string& path, const LossSurface& surface, bool log) {
  if (path.ends_with(".npy")) return SaveArray(path, surface.losses, "losses");
  WEFT_ASSIGN_OR_RETURN(const std::string svg,
                        ContourSvg(surface.steps, surface.steps, surface.losses,
                                   {.title = absl::StrCat("Loss around the weights",
                                                          log ? " (levels by logarithms)" : ""),
                                    .x_label = "along the first random direction",
                                    .y_label = "along the second",
                                    .log = log}));
  return SaveText(path, svg);
}

absl::Status ShowLossSurface(const Model& model, const InspectArguments& a,
                             LossSurfaceArguments s) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".npy"}));
  s.options.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  const InterruptGuard guard;
  const bool shows = isatty(STDERR_FILENO) != 0;
  s.options.progress = [&](int64_t done, int64_t all) {
    if (shows) {
      std::fprintf(stderr, "\r%lld of %lld points%s", static_cast<long long>(done),
                   static_cast<long long>(all), done == all ? "\n" : "");
    }
    return !guard.interrupted();
  };
  WEFT_ASSIGN_OR_RETURN(const LossSurface surface, ComputeLossSurface(model, dataset, s.options));
  double least = surface.center(), most = least;
  for (const double v : surface.losses.values<double>()) {
    least = std::min(least, v);
    most = std::max(most, v);
  }
  Print("%s: loss %.4g at the weights, from %.4g to %.4g around them\n", dataset->name().c_str(),
        surface.center(), least, most);
  if (!a.output.empty()) return SaveSurface(a.output, surface, !s.linear);
  WEFT_ASSIGN_OR_RETURN(const Tensor map, surface.losses.Converted(DType::kF32));
  return PrintMap(map);
}

}  // namespace

std::vector<InspectMethod> AddLossSurfaceMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand(
      "loss-surface", "The loss on a plane of two random filter-normalised directions");
  auto s = std::make_shared<LossSurfaceArguments>();
  app->add_option("--points", s->options.points, "Along each direction, odd")
      ->capture_default_str();
  app->add_option("--extent", s->options.extent, "How far it goes, in multiples of the weights")
      ->capture_default_str();
  app->add_option("--examples", s->options.examples, "So many, evenly spread; 0: all")
      ->capture_default_str();
  app->add_option("--batch", s->options.batch_size, "Examples a run")->capture_default_str();
  app->add_option("--seed", s->options.seed, "Of the directions")->capture_default_str();
  app->add_flag("--linear", s->linear, "Levels evenly spaced (default: by logarithms)");
  AddInspectData(*app, *a);
  AddInspectOutput(*app, *a, "Contours as .svg, or the losses as .npy (default: the terminal)");
  return {{app, [a, s](const Model& model) { return ShowLossSurface(model, *a, *s); }}};
}

}  // namespace weft
