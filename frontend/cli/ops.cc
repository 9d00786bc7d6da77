#include "ops/ops.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/io/names.h"
#include "frontend/onnx/import/op_table.h"
#include "graph/op.h"
#include "runtime/kernel.h"

namespace weft {
namespace {

std::string InputText(const InputSpec& input) {
  std::string text = absl::StrCat(Absl(input.name), ": ", input.dtypes.ToString());
  if (input.arity == Arity::kOptional) text += ", may be absent";
  if (input.arity == Arity::kVariadic) text += ", any number";
  if (input.shape_only) text += ", only its shape counts";
  return text;
}

std::string AttributeText(const AttributeSpec& attribute) {
  std::string text = absl::StrCat(Absl(attribute.name), ": ", Absl(ToString(attribute.kind)));
  if (attribute.required) return text + ", required";
  return attribute.fallback ? absl::StrCat(text, ", ", attribute.fallback->ToString())
                            : text + ", may be absent";
}

std::string GradientText(const OpDef& op) {
  return op.gradient != nullptr ? "yes" : absl::StrCat("none: ", Absl(op.no_gradient));
}

void PrintOp(const OpDef& op) {
  Print("%s\n  %s\n", std::string(op.name).c_str(), std::string(op.doc).c_str());
  for (const InputSpec& input : op.inputs) Print("  input %s\n", InputText(input).c_str());
  for (const OutputSpec& output : op.outputs) {
    Print("  output %s%s\n", std::string(output.name).c_str(),
          output.optional       ? ", where asked for"
          : op.variadic_outputs ? ", any number"
                                : "");
  }
  for (const AttributeSpec& a : op.attributes) Print("  attribute %s\n", AttributeText(a).c_str());
  Print("  gradient: %s\n", GradientText(op).c_str());
  const bool view = op.aliases == ViewOfInput;
  Print("  fast kernel: %s\n", view                           ? "none needed, a view"
                               : FamiliesFor(op.name).empty() ? "no"
                                                              : "yes");
}

absl::Status ShowOp(const std::string& name) {
  if (const OpDef* op = StandardOps().Find(name)) {
    PrintOp(*op);
    return absl::OkStatus();
  }
  std::vector<std::string_view> names;
  for (const OpDef* op : StandardOps().All()) names.push_back(op->name);
  const std::string nearest(NearestName(name, names));
  return absl::NotFoundError(absl::StrCat("unknown op ", name,
                                          nearest.empty() ? "" : ", did you mean ", nearest,
                                          nearest.empty() ? "" : "?", " (weft ops lists them)"));
}

void ListOps() {
  const std::vector<const OpDef*> ops = StandardOps().All();
  for (const OpDef* op : ops) {
    const std::string_view doc = op->doc;
    const std::string first(doc.substr(0, doc.find_first_of(".:;") + 1));
    Print("%-28s %s\n", std::string(op->name).c_str(), first.empty() ? "" : first.c_str());
  }
  Print("%zu ops. weft ops NAME says more about one.\n", ops.size());
}

}  // namespace

Command AddOps(CLI::App& program) {
  CLI::App* app = program.add_subcommand("ops", "List the ops, or describe one");
  auto name = std::make_shared<std::string>();
  auto onnx = std::make_shared<bool>(false);
  app->add_option("name", *name, "An op, as in the text of a graph");
  app->add_flag("--onnx", *onnx, "ONNX's ops by the opsets in which they import, as Markdown")
      ->excludes("name");
  app->footer("Example: weft ops Conv");
  return {app, [name, onnx]() -> absl::Status {
            if (!name->empty()) return ShowOp(*name);
            if (*onnx) {
              Print("%s", OnnxOpTable().c_str());
            } else {
              ListOps();
            }
            return absl::OkStatus();
          }};
}

}  // namespace weft
