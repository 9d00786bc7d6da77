#include <memory>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/data/loader.h"
#include "frontend/inspect/graph/receptive_field_picture.h"

namespace weft {
namespace {

struct FieldArguments {
  UnitFieldOptions options;
  std::vector<int64_t> unit;
  int64_t examples = 32;
};

// Those over which the effective field is averaged: the picture, or the first ones of the data.
absl::StatusOr<Tensor> FieldExamples(const Model& model, const InspectArguments& a,
                                     const Example& shown, int64_t count) {
  if (!a.image.empty()) return shown.x;
  if (count < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--examples: expected at least 1, got ", count));
  }
  WEFT_ASSIGN_OR_RETURN(auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(std::move(dataset), {.batch_size = count, .shuffle = false, .prefetch = 0}));
  Batch batch;
  WEFT_RETURN_IF_ERROR(loader->Next(&batch).status());
  return batch.images;
}

Picture BlankField(const UnitField& field) {
  const int64_t height = field.effective.dims()[0], width = field.effective.dims()[1];
  return {.height = height,
          .width = width,
          .channels = 1,
          .pixels = std::vector<uint8_t>(static_cast<size_t>(height * width), 255)};
}

absl::Status RunField(const Model& model, const InspectArguments& a, FieldArguments f) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png", ".npy"}));
  f.options.session.threads = a.threads;
  if (!f.unit.empty()) f.options.unit = f.unit;
  WEFT_ASSIGN_OR_RETURN(const Example shown, InspectExample(model, a));
  WEFT_ASSIGN_OR_RETURN(const Tensor examples, FieldExamples(model, a, shown, f.examples));
  WEFT_ASSIGN_OR_RETURN(const UnitField field, FieldOfUnit(model, examples, f.options));
  Print("%s", ToString(field).c_str());
  if (a.output.empty()) return PrintMap(field.effective);
  if (a.output.ends_with(".npy")) return SaveArray(a.output, field.effective, "effective");
  WEFT_ASSIGN_OR_RETURN(const Picture picture,
                        FieldPicture(field, shown.picture ? *shown.picture : BlankField(field)));
  return SavePicture(a.output, picture);
}

}  // namespace

std::vector<InspectMethod> AddReceptiveFieldMethods(CLI::App& inspect,
                                                    std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand(
      "receptive-field", "What a unit sees of the input: the box it can, and what it does see");
  auto f = std::make_shared<FieldArguments>();
  app->add_option("--at", f->options.at, "The unit's layer: a node's name")->required();
  app->add_option("--unit", f->unit, "Its place, row,column (default: the middle)")
      ->delimiter(',')
      ->type_size(1)
      ->allow_extra_args(false);
  app->add_option("--channel", f->options.channel, "Its channel (default: the sum over all)");
  app->add_option("--examples", f->examples,
                  "Average gradients over so many examples of the data; --image has one")
      ->capture_default_str();
  AddInspectExample(*app, *a);
  AddInspectOutput(*app, *a,
                   "The box and the effective field on the picture, .png, or the latter as .npy "
                   "(default: drawn in the terminal)");
  return {{app, [a, f](const Model& model) { return RunField(model, *a, *f); }}};
}

}  // namespace weft
