#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/ascent_options.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/probe.h"
#include "frontend/inspect/units/maximize.h"
#include "frontend/inspect/units/top_patches.h"

namespace weft {
namespace {

constexpr int64_t kUsualUnits = 8;  // the first ones, where none is named

struct UnitArguments {
  std::string at;
  std::vector<int64_t> units;
  std::vector<int64_t> place;
  TopPatchOptions patches;
  AscentOptions ascent;
};

void AddUnits(CLI::App& app, UnitArguments& u) {
  app.add_option("--at", u.at, "The layer, by its node's name (default: the scores)");
  app.add_option("--unit", u.units,
                 "A channel or class; may be given again (default: the first eight)")
      ->allow_extra_args(false);
}

// The units that are named, or the layer's first ones.
absl::StatusOr<std::vector<int64_t>> UnitsOf(const Model& model, const UnitArguments& u) {
  if (!u.units.empty()) return u.units;
  WEFT_ASSIGN_OR_RETURN(const Value layer,
                        u.at.empty() ? ScoresOf(model.graph) : NamedValueOf(model.graph, u.at));
  const TensorType& type = layer.type();
  const bool known = type.rank() > 1 && type.dim(1).is_static();
  std::vector<int64_t> units(
      static_cast<size_t>(known ? std::min(kUsualUnits, type.dim(1).coefficient()) : 1));
  std::iota(units.begin(), units.end(), 0);
  return units;
}

std::string UnitName(const Model& model, const std::string& at, int64_t channel) {
  return at.empty() ? ClassName(model, channel) : absl::StrCat(at, " ", channel);
}

absl::Status RunPatches(const Model& model, const InspectArguments& a, const UnitArguments& u) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png"}));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> units, UnitsOf(model, u));
  TopPatchOptions options = u.patches;
  options.session.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const std::vector<UnitPatches> found,
                        TopPatches(model, dataset, u.at, units, options));
  for (const UnitPatches& unit : found) {
    Print("%s:", UnitName(model, u.at, unit.channel).c_str());
    for (const Patch& p : unit.patches) {
      Print(" %.4g (example %lld at %lld,%lld)", p.activation, static_cast<long long>(p.example),
            static_cast<long long>(p.row), static_cast<long long>(p.column));
    }
    Print("\n");
  }
  if (a.output.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, PatchSheet(found));
  return SavePicture(a.output, sheet);
}

// All pictures as one array.
absl::StatusOr<Tensor> Stacked(std::span<const UnitPicture> pictures) {
  Dims dims = pictures[0].x.dims();
  dims[0] = static_cast<int64_t>(pictures.size());
  std::vector<float> all;
  for (const UnitPicture& p : pictures) {
    const std::span<const float> x = p.x.values<float>();
    all.insert(all.end(), x.begin(), x.end());
  }
  return Tensor::FromValues<float>(std::move(dims), all);
}

absl::Status ShowUnits(const Model& model, const InspectArguments& a, const UnitLayer& layer,
                       std::span<const UnitPicture> pictures) {
  for (const UnitPicture& p : pictures) {
    Print("%s: activation %.4g\n", UnitName(model, layer.at, p.channel).c_str(), p.activation);
  }
  Tensor x;
  if (a.output.ends_with(".npy")) {
    WEFT_ASSIGN_OR_RETURN(x, Stacked(pictures));
  }
  if (a.output.empty()) return SaveAscent("", pictures[0].picture, x);
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, UnitSheet(model, layer, pictures));
  return SaveAscent(a.output, sheet, x);
}

absl::Status RunMaximize(const Model& model, const InspectArguments& a, const UnitArguments& u) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, AscentEndings()));
  UnitLayer layer{.at = u.at};
  if (!u.place.empty()) layer.place = {u.place[0], u.place[1]};
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> units, UnitsOf(model, u));
  WEFT_ASSIGN_OR_RETURN(const std::vector<UnitPicture> pictures,
                        MaximizeUnits(model, layer, units, WithProgress(u.ascent, a)));
  return ShowUnits(model, a, layer, pictures);
}

absl::Status RunPrototypes(const Model& model, const InspectArguments& a, const UnitArguments& u) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, AscentEndings()));
  const AscentOptions options = WithProgress(u.ascent, a);
  WEFT_ASSIGN_OR_RETURN(const std::vector<UnitPicture> pictures,
                        u.units.empty() ? ClassPrototypes(model, options)
                                        : MaximizeUnits(model, {}, u.units, options));
  return ShowUnits(model, a, {}, pictures);
}

using UnitRun = absl::Status (*)(const Model&, const InspectArguments&, const UnitArguments&);

InspectMethod UnitMethod(CLI::App* app, std::shared_ptr<InspectArguments> a,
                         std::shared_ptr<UnitArguments> u, UnitRun run) {
  return {app, [a, u, run](const Model& model) { return run(model, *a, *u); }};
}

}  // namespace

std::vector<InspectMethod> AddUnitMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  const std::string output =
      "The picture to write, .png, or the inputs as .npy "
      "(default: the first, drawn in the terminal)";
  auto patches = std::make_shared<UnitArguments>();
  CLI::App* app = inspect.add_subcommand(
      "patches", "What excites units most: patches of the data, cut out to what the units see");
  AddUnits(*app, *patches);
  app->add_option("--count", patches->patches.count, "Patches a unit")->capture_default_str();
  app->add_option("--batch,--batch-size", patches->patches.batch_size, "Examples a run")
      ->capture_default_str();
  AddInspectData(*app, *a);
  AddInspectOutput(*app, *a, "The sheet to write, .png (default: their places only)");
  app->footer("Example: weft inspect digits.weft patches --at block2.relu -o patches.png");
  std::vector<InspectMethod> methods = {UnitMethod(app, a, patches, RunPatches)};

  auto maximize = std::make_shared<UnitArguments>();
  app = inspect.add_subcommand("maximize", "Pictures that excite units as much as can be");
  AddUnits(*app, *maximize);
  app->add_option("--place", maximize->place,
                  "ROW,COLUMN of the layer's map (default: the mean over places)")
      ->delimiter(',')
      ->expected(2);
  AddAscentOptions(*app, maximize->ascent, /*choose_parameters=*/true);
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  AddInspectOutput(*app, *a, output);
  app->footer("Example: weft inspect digits.weft maximize --at block2.relu --unit 4 -o unit.png");
  methods.push_back(UnitMethod(app, a, maximize, RunMaximize));

  auto prototypes = std::make_shared<UnitArguments>();
  app = inspect.add_subcommand("prototypes", "For each class a picture with a high score");
  app->add_option("--unit", prototypes->units, "A class; may be given again (default: all)")
      ->allow_extra_args(false);
  AddAscentOptions(*app, prototypes->ascent, /*choose_parameters=*/true);
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  AddInspectOutput(*app, *a, output);
  app->footer("Example: weft inspect digits.weft prototypes --jitter 2 -o classes.png");
  methods.push_back(UnitMethod(app, a, prototypes, RunPrototypes));
  return methods;
}

}  // namespace weft
