#include "frontend/onnx/import/op_table.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/import/structure.h"
#include "frontend/onnx/schema.h"

namespace weft {
namespace {

using OpNames = std::set<std::string>;

bool IsInOpset(const std::string& op, int opset) {
  const onnx::OpSchema* schema = FindOnnxSchema(op, opset);
  if (schema == nullptr || schema->deprecated()) return false;
  const onnx::OpSchema* oldest = FindOnnxSchema(op, kOldestOnnxForms);
  return opset >= kOldestOnnxForms ||
         (oldest != nullptr && oldest->since_version() == schema->since_version());
}

// The first and the last.
std::pair<int, int> OpsetsOf(const std::string& op) {
  int first = kNewestOnnxOpset + 1, last = 0;
  for (int opset = kFirstOnnxOpset; opset <= kNewestOnnxOpset; ++opset) {
    if (!IsInOpset(op, opset)) continue;
    first = std::min(first, opset);
    last = opset;
  }
  return {first, last};
}

// Of ai.onnx.
OpNames ImportedOps() {
  OpNames names = {"Constant"};
  for (const OnnxOp& op : AllOnnxOps()) {
    if (op.domain.empty()) names.emplace(op.name);
  }
  for (const StructureOp& op : AllStructureOps()) names.emplace(op.name);
  return names;
}

// What libonnx of any age has of opset 17.
OpNames OtherOps(const OpNames& imported) {
  OpNames names;
  for (const onnx::OpSchema& latest : onnx::OpSchemaRegistry::get_all_schemas()) {
    if (!latest.domain().empty() || imported.contains(latest.Name())) continue;
    const onnx::OpSchema* schema = FindOnnxSchema(latest.Name(), kLastOnnxOpset);
    if (schema != nullptr && !schema->deprecated()) names.insert(latest.Name());
  }
  return names;
}

}  // namespace

std::string OnnxOpTable() {
  std::string table = "| opsets | ops |\n|---|---|\n";
  const auto add = [&table](const std::string& what, const OpNames& ops) {
    absl::StrAppend(&table, "| ", what, " | ", absl::StrJoin(ops, ", "), " |\n");
  };
  const OpNames imported = ImportedOps();
  std::map<std::pair<int, int>, OpNames> by_opsets;
  for (const std::string& op : imported) by_opsets[OpsetsOf(op)].insert(op);
  for (const auto& [opsets, ops] : by_opsets) {
    add(opsets.first == opsets.second ? absl::StrCat(opsets.first)
                                      : absl::StrCat(opsets.first, " to ", opsets.second),
        ops);
  }
  std::map<std::string, OpNames> by_domain;
  for (const OnnxOp& op : AllOnnxOps()) {
    if (!op.domain.empty()) by_domain[std::string(op.domain)].emplace(op.name);
  }
  for (const auto& [domain, ops] : by_domain) add(domain + " 1", ops);
  add("not supported", OtherOps(imported));
  return table;
}

}  // namespace weft
