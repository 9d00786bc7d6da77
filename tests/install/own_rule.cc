#include <weft/weft.h>

#include <iostream>

// x * (1 / y) -> x / y
weft::Pass Divide() {
  using weft::Any, weft::Op;
  return weft::ToPass({
      .name = "divide",
      .doc = "divide instead of multiplying by a reciprocal",
      .pattern = Op("Mul", {Any().As("x"), Op("Reciprocal", {Any().As("y")}).As("r")}),
      .conditions = [](const weft::Match& m) { return weft::HasSingleReader(m, "r"); },
      .rewrite = [](const weft::Match& m, weft::Rewriter& r) -> std::vector<weft::Value> {
        return {r.OpAs(m.root()->name(), "Div", {m["x"], m["y"]})};
      },
  });
}

absl::Status Main() {
  weft::Builder b;
  weft::Value x = b.Input("x", {"N", 4}), y = b.Input("y", {"N", 4});
  b.Output("z", b.Mul(x, b.Reciprocal(y)));
  WEFT_ASSIGN_OR_RETURN(weft::Model model, b.Build());

  weft::PassOptions options = {.replay = {.random = 2}, .own = {Divide()}};
  weft::PassReport report;
  WEFT_ASSIGN_OR_RETURN(weft::Graph graph,
                        weft::OptimizedForInference(model.graph, options, &report));
  std::cout << report.ToString() << weft::ToText(graph);
  return absl::OkStatus();
}

int main() {
  absl::Status status = Main();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
