#include "frontend/inspect/attribution/excitation.h"

#include <memory>
#include <string>
#include <vector>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"

namespace weft {
namespace {

void PrintExcitation(const std::vector<ExcitationGates>& blocks) {
  size_t width = 5;
  for (const ExcitationGates& block : blocks) width = std::max(width, block.name.size());
  Print("%-*s  channels   mean  least   most\n", static_cast<int>(width), "gates");
  for (const ExcitationGates& block : blocks) {
    Print("%-*s  %8zu  %5.3f  %5.3f  %5.3f\n", static_cast<int>(width), block.name.c_str(),
          block.gates.size(), block.mean, block.least, block.most);
  }
}

absl::Status RunExcitation(const Model& model, const InspectArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".npy"}));
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  WEFT_ASSIGN_OR_RETURN(const std::vector<ExcitationGates> blocks,
                        GatesOfExcitation(model, example.x, {.threads = a.threads}));
  PrintExcitation(blocks);
  if (a.output.empty()) return absl::OkStatus();
  if (a.output.ends_with(".svg")) {
    return SaveText(a.output,
                    ExcitationSvg(blocks, "Gates of squeeze-and-excitation: " + example.name));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor table, ExcitationTable(blocks));
  return SaveArray(a.output, table, "gates");
}

}  // namespace

std::vector<InspectMethod> AddExcitationMethods(CLI::App& inspect,
                                                std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand(
      "excitation", "Which channels the squeeze-and-excitation blocks let through");
  AddInspectExample(*app, *a);
  AddInspectOutput(*app, *a,
                   "What to write: .svg, a strip of channels for each block; .npy, the gates "
                   "(default: their means, printed)");
  app->footer("Example: weft inspect se.weft excitation --image cat.png --resize -o gates.svg");
  return {{app, [a](const Model& model) { return RunExcitation(model, *a); }}};
}

}  // namespace weft
