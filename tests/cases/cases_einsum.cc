#include "tests/cases/table.h"

namespace weft {
namespace {

struct EinsumRow {
  std::string name;
  const char* equation;
  std::vector<CaseInput> inputs;
  Dims output;
  std::vector<int> batch_inputs = {};
};

std::vector<EinsumRow> Rows() {
  return {
      {"batch_matmul",
       "bij,bjk->bik",
       {Uniform({2, 3, 17}), Uniform({2, 17, 3})},
       {2, 3, 3},
       {0, 1}},
      {"matmul_transposed", "ij,kj->ki", {Uniform({3, 4}), Uniform({5, 4})}, {5, 3}, {0}},
      {"attention",
       "bhid,bhjd->bhij",
       {Uniform({2, 3, 2, 4}), Uniform({2, 3, 3, 4})},
       {2, 3, 2, 3},
       {0, 1}},
      {"attention_heads_inside",
       "bihd,bjhd->bhij",
       {Uniform({2, 3, 2, 4}), Uniform({2, 3, 2, 4})},
       {2, 2, 3, 3},
       {0, 1}},
      {"conv_1x1",
       "nchw,oc->nohw",
       {Uniform({2, 3, 2, 2}), Variable(Uniform({4, 3}))},
       {2, 4, 2, 2},
       {0}},
      {"bilinear",
       "bi,kij,bj->bk",
       {Uniform({2, 3}), Variable(Uniform({4, 3, 2})), Uniform({2, 2})},
       {2, 4},
       {0, 2}},
      {"outer", "i,j->ij", {Uniform({3}), Uniform({4})}, {3, 4}, {0}},
      {"elementwise", "bi,bi->bi", {Uniform({2, 17}), Uniform({2, 17})}, {2, 17}, {0, 1}},
      {"dot", "i,i", {Uniform({5}), Uniform({5})}, Dims{}},
      {"row_dots", "bi,bi->b", {Uniform({3, 5}), Uniform({3, 5})}, {3}, {0, 1}},
      {"transpose", "ij->ji", {Uniform({2, 3})}, {3, 2}, {0}},
      {"implicit_sorted", "ba", {Uniform({2, 3})}, {3, 2}, {0}},
      {"sum", "ijk->j", {Uniform({2, 3, 4})}, {3}, {0}},
      {"sum_last", "ij->i", {Uniform({3, 17})}, {3}, {0}},
      {"sum_all", "ij->", {Uniform({2, 3})}, Dims{}, {0}},
      {"lone_labels", "ab,bcd->c", {Uniform({2, 3}), Uniform({3, 2, 4})}, {2}, {0}},
      {"contracted_pair", "abc,dcb->ad", {Uniform({2, 3, 4}), Uniform({3, 4, 3})}, {2, 3}, {0}},
      {"diagonal", "ii->i", {Uniform({3, 3})}, {3}},
      {"trace", "ii", {Uniform({3, 3})}, Dims{}},
      {"batch_diagonal", "bii,bi->bi", {Uniform({2, 3, 3}), Uniform({2, 3})}, {2, 3}, {0, 1}},
      {"ellipsis",
       "...ij , ...jk -> ...ik",
       {Uniform({2, 3, 4}), Uniform({2, 4, 2})},
       {2, 3, 2},
       {0, 1}},
      {"ellipsis_broadcast",
       "...ij,...jk->...ik",
       {Uniform({3, 1, 2, 4}), Uniform({2, 4, 2})},
       {3, 2, 2, 2},
       {0}},
      {"ellipsis_implicit", "...ij,j...", {Uniform({2, 3, 4}), Uniform({4, 2})}, {2, 3}},
      {"ellipsis_summed", "...i,...i->i", {Uniform({2, 3}), Uniform({1, 3})}, {3}},
      {"ellipsis_inside", "a...b->b...a", {Uniform({2, 3, 4, 2})}, {2, 3, 4, 2}, {0}},
      {"scalar", ",i->i", {Uniform({}), Uniform({3})}, {3}, {1}},
      {"column_dots", "ij,ij->j", {Uniform({3, 17}), Uniform({3, 17})}, {17}, {0, 1}},
      // Large enough for the library's product.
      {"large_conv_1x1",
       "nchw,oc->nohw",
       {Uniform({2, 16, 5, 5}), Variable(Uniform({17, 16}))},
       {2, 17, 5, 5},
       {0}},
      {"large_attention",
       "bihd,bjhd->bhij",
       {Uniform({2, 16, 2, 17}), Uniform({2, 16, 2, 17})},
       {2, 2, 16, 16},
       {0, 1}},
      {"large_mixture",
       "bhij,bjhd->bihd",
       {Uniform({2, 2, 16, 16}), Uniform({2, 16, 2, 17})},
       {2, 16, 2, 17},
       {0, 1}},
      {"large_permuted", "abc,dcb->da", {Uniform({16, 3, 6}), Uniform({17, 6, 3})}, {17, 16}, {0}},
      {"empty_batch", "bij,bjk->bik", {Uniform({0, 2, 3}), Uniform({0, 3, 2})}, {0, 2, 2}, {0, 1}},
      {"empty_sum", "ij,jk->ik", {Uniform({2, 0}), Uniform({0, 3})}, {2, 3}},
  };
}

}  // namespace

std::vector<OpCase> EinsumCases() {
  std::vector<OpCase> cases;
  for (EinsumRow& row : Rows()) {
    cases.push_back({.op = "Einsum",
                     .name = row.name,
                     .attributes = {{"equation", row.equation}},
                     .inputs = row.inputs,
                     .outputs = {row.output},
                     .batch_inputs = row.batch_inputs});
  }
  for (DType dtype : {DType::kI32, DType::kI64}) {
    cases.push_back({.op = "Einsum",
                     .name = std::string(ToString(dtype)),
                     .attributes = {{"equation", "ij,jk->ki"}},
                     .inputs = {Integers({2, 3}, -9, 9, dtype), Integers({3, 2}, -9, 9, dtype)},
                     .outputs = {{2, 2}},
                     .dtypes = {dtype},
                     .batch_inputs = {0}});
  }
  return cases;
}

}  // namespace weft
