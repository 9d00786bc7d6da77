#include <memory>
#include <optional>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/image.h"
#include "frontend/npy.h"
#include "frontend/session.h"

namespace weft {
namespace {

struct RunArguments {
  std::string file;
  std::string input;
  std::string output;
  std::optional<int64_t> top;
  int threads = 0;
  bool resize = false;
};

// What the model's input gets: an array as it is, or an image prepared as the file says.
absl::StatusOr<Tensor> ReadInput(const RunArguments& a, const Model& model) {
  if (a.input.ends_with(".npy")) return ReadNpy(a.input);
  if (!a.input.ends_with(".png")) {
    return absl::InvalidArgumentError(
        absl::StrCat(a.input, ": expected a file that ends in .npy or .png"));
  }
  if (!model.preprocessing) {
    return absl::FailedPreconditionError(absl::StrCat(
        a.file, ": does not say how images become its input; give it a .npy file instead"));
  }
  return ReadImage(a.input, *model.preprocessing, {.resize = a.resize});
}

std::string ClassName(const Model& model, int64_t label) {
  const auto i = static_cast<size_t>(label);
  return i < model.class_names.size() ? model.class_names[i] : absl::StrCat("class ", label);
}

absl::Status PrintTop(const Model& model, const Tensor& scores, int64_t top) {
  const bool normalized = model.graph.outputs()[0].value.node->op_name() == "Softmax";
  for (int64_t row = 0; row < scores.dims()[0]; ++row) {
    if (scores.dims()[0] > 1) Print("example %lld\n", static_cast<long long>(row));
    WEFT_ASSIGN_OR_RETURN(const auto predictions, TopPredictions(scores, row, top, normalized));
    for (const Prediction& p : predictions) {
      Print("%s  %.2f %%\n", ClassName(model, p.label).c_str(), 100 * p.probability);
    }
  }
  return absl::OkStatus();
}

absl::Status Run(const RunArguments& a) {
  if (!a.output.empty()) WEFT_RETURN_IF_ERROR(CheckOutputPath(a.output));
  if (a.top && *a.top < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--top: expected at least 1, got ", *a.top));
  }
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.file));
  WEFT_ASSIGN_OR_RETURN(const Tensor x, ReadInput(a, model));
  auto session = Session::Create(model, {.threads = a.threads});
  if (!session.ok()) return Annotate(session.status(), a.file);
  const auto y = (*session)->Run(x);
  if (!y.ok()) return Annotate(y.status(), absl::StrCat(a.file, " on ", a.input));
  const bool print = a.output.empty() || a.top;
  if (print && (y->rank() != 2 || !kFloatTypes.contains(y->dtype()))) {
    return absl::InvalidArgumentError(absl::StrCat(a.file, ": its output is ", ToString(y->type()),
                                                   ", no scores; write it with --output alone"));
  }
  if (!a.output.empty()) WEFT_RETURN_IF_ERROR(WriteNpy(a.output, *y));
  return print ? PrintTop(model, *y, a.top.value_or(3)) : absl::OkStatus();
}

}  // namespace

Command AddRun(CLI::App& program) {
  CLI::App* app = program.add_subcommand("run", "Run a model on an array or an image");
  auto a = std::make_shared<RunArguments>();
  app->add_option("file", a->file, "A .weft file")->required();
  app->add_option("--input", a->input,
                  "A .npy file with the input's values, or a .png file, prepared as the model says")
      ->required();
  app->add_option("--output", a->output, "Write the first output to this .npy file");
  app->add_option("--top", a->top, "Print so many of the likeliest classes (default: 3)");
  app->add_flag("--resize", a->resize, "Resize an image of another size than the model's");
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  app->footer("Example: weft run a.weft --input seven.png --top 3");
  return {app, [a] { return Run(*a); }};
}

}  // namespace weft
