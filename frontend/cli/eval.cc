#include <chrono>
#include <cmath>
#include <memory>

#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/data.h"
#include "frontend/data/loader.h"
#include "frontend/session/session.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct EvalArguments {
  std::string file;
  std::string data = "digits";
  int64_t batch = 256;
  int threads = 0;
};

absl::Status Eval(const EvalArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.file));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, OpenDataFor(model, a.data, Split::kTest));
  auto session = Session::Create(model, {.threads = a.threads});
  if (!session.ok()) return Annotate(session.status(), a.file);
  const auto begin = std::chrono::steady_clock::now();
  const auto result = (*session)->Evaluate(dataset, a.batch);
  if (!result.ok()) return Annotate(result.status(), a.file);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  MemoryCount count;
  count.Add(model.graph);
  (*session)->CountInto(count);
  count.Add(LoaderBytes(*dataset, {.batch_size = a.batch}));
  Print("%s: accuracy %s, loss %.4f, %s images/s, %s of memory\n", dataset->name().c_str(),
        AccuracyText(*result).c_str(), result->loss(),
        WithCommas(std::llround(static_cast<double>(result->count) / seconds)).c_str(),
        BytesText(count.bytes()).c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddEval(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("eval", "Accuracy and loss of a model on a data set's test images");
  auto a = std::make_shared<EvalArguments>();
  app->add_option("file", a->file, "A .weft or .onnx file")->required();
  app->add_option("--data", a->data, kDataHelp)->capture_default_str();
  app->add_option("--batch", a->batch, "Images a run")->capture_default_str();
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  app->footer("Example: weft eval a.weft --data mnist:data/mnist");
  return {app, [a] { return Eval(*a); }};
}

}  // namespace weft
