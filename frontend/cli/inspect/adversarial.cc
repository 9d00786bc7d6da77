#include "frontend/inspect/data/adversarial.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/data/split.h"
#include "frontend/watch/plot.h"

namespace weft {
namespace {

struct AdversarialArguments {
  RobustnessOptions options;
  int64_t examples = 1000;
  double epsilon = 8.0 / 255;  // of the sheet
  bool fgsm = false;           // for it
  int64_t count = 6;
};

absl::StatusOr<std::shared_ptr<const Dataset>> AttackedData(const Model& model,
                                                            const InspectArguments& a,
                                                            int64_t examples) {
  if (examples < 0) return absl::InvalidArgumentError("--examples: expected 0 or more");
  WEFT_ASSIGN_OR_RETURN(auto dataset, InspectData(model, a));
  if (examples == 0 || examples >= dataset->size()) return dataset;
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < examples; ++i) indices.push_back(i * dataset->size() / examples);
  return SubsetDataset(dataset, indices, dataset->name());
}

absl::Status SaveAdversarialSheet(const Model& model, const InspectArguments& a,
                                  const AdversarialArguments& v,
                                  const std::shared_ptr<const Dataset>& dataset) {
  const Attack attack{
      .epsilon = v.epsilon, .steps = v.fgsm ? 0 : v.options.steps, .seed = v.options.seed};
  WEFT_ASSIGN_OR_RETURN(const std::vector<AdversarialExample> examples,
                        FindAdversarial(model, dataset, attack, v.count, v.options));
  if (examples.empty()) {
    return absl::NotFoundError(absl::StrCat("no picture is taken for another class at epsilon ",
                                            v.epsilon, "; try a larger --epsilon"));
  }
  for (const AdversarialExample& e : examples) {
    Print("  %s (%.1f %%) becomes %s (%.1f %%)\n", ClassName(model, e.before).c_str(),
          100 * e.probability_before, ClassName(model, e.after).c_str(), 100 * e.probability_after);
  }
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, AdversarialSheet(model, examples));
  return SavePicture(a.output, sheet);
}

absl::Status SaveRobustness(const std::string& path, std::span<const RobustnessPoint> points) {
  const auto rows = static_cast<int64_t>(points.size());
  WEFT_ASSIGN_OR_RETURN(Tensor table, Tensor::Zeros(DType::kF64, {rows, 3}));
  auto to = table.mutable_values<double>().begin();
  for (const RobustnessPoint& p : points) {
    for (const double v : {p.epsilon, p.fgsm, p.pgd}) *to++ = v;
  }
  return SaveArray(path, table, "epsilon_fgsm_pgd");
}

absl::Status RunAdversarial(const Model& model, const InspectArguments& a, AdversarialArguments v) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".png", ".npy"}));
  if (v.count < 1) return absl::InvalidArgumentError("--count: expected 1 or more");
  if (v.options.steps < 1 && !v.fgsm) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--steps: expected 1 or more (--fgsm takes a single one), got ", v.options.steps));
  }
  v.options.session.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const auto dataset, AttackedData(model, a, v.examples));
  if (a.output.ends_with(".png")) return SaveAdversarialSheet(model, a, v, dataset);
  WEFT_ASSIGN_OR_RETURN(const std::vector<RobustnessPoint> points,
                        AccuracyAgainstEpsilon(model, dataset, v.options));
  Print("%s: accuracy on %lld attacked pictures\n  epsilon     FGSM      PGD\n",
        dataset->name().c_str(), static_cast<long long>(dataset->size()));
  for (const RobustnessPoint& p : points) {
    Print("  %.5f  %6.2f %%  %6.2f %%\n", p.epsilon, 100 * p.fgsm, 100 * p.pgd);
  }
  if (a.output.ends_with(".npy")) return SaveRobustness(a.output, points);
  return a.output.empty() ? absl::OkStatus() : SaveText(a.output, RobustnessSvg(points));
}

}  // namespace

std::vector<InspectMethod> AddAdversarialMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand(
      "adversarial", "Pictures changed a little so that the model errs: FGSM and PGD");
  auto v = std::make_shared<AdversarialArguments>();
  app->add_option("--epsilons", v->options.epsilons,
                  "How far pixels may move, of a range of 1 (default: 0 to 16/255)")
      ->delimiter(',');
  app->add_option("--steps", v->options.steps, "Of PGD")->capture_default_str();
  app->add_option("--seed", v->options.seed, "Of PGD's start")->capture_default_str();
  app->add_option("--examples", v->examples,
                  "At most so many examples, evenly spread over the data (0: all)")
      ->capture_default_str();
  app->add_option("--epsilon", v->epsilon, "Of the pictures in a .png")->capture_default_str();
  app->add_flag("--fgsm", v->fgsm, "Those by FGSM (default: PGD)");
  app->add_option("--count", v->count, "How many of them")->capture_default_str();
  AddInspectData(*app, *a);
  AddInspectOutput(*app, *a,
                   "The curve of accuracies, .svg or as numbers .npy; or pictures that are taken "
                   "for another class, .png");
  return {{app, [a, v](const Model& model) { return RunAdversarial(model, *a, *v); }}};
}

}  // namespace weft
