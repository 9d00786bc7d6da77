// Checks of the source tree itself.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = WEFT_SOURCE_DIR;

std::string Read(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Project, FoldersIncludeOnlyFromFoldersBelowThem) {
  const std::map<std::string, std::set<std::string>> below = {
      {"graph", {"proto"}},
      {"ops", {"proto", "graph"}},
      {"autodiff", {"proto", "graph", "ops"}},
      {"passes", {"proto", "graph", "ops"}},
      {"runtime", {"proto", "graph", "ops"}},
      {"frontend", {"proto", "graph", "ops", "autodiff", "passes", "runtime"}}};
  const std::regex include(
      "#include \"(proto|graph|ops|autodiff|passes|runtime|frontend|tests)/([^\"]*)\"");
  int seen = 0;
  for (const auto& [folder, allowed] : below) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
      const std::string text = Read(entry.path());
      for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
        ++seen;
        const std::string from = (*it)[1];
        EXPECT_TRUE(from == folder || allowed.contains(from))
            << entry.path() << " includes " << it->str();
      }
    }
  }
  EXPECT_GT(seen, 100);
}

TEST(Project, OnlyTheOneDnnFolderIncludesOneDnn) {
  int seen = 0;
  for (const char* folder : {"graph", "ops", "autodiff", "passes", "runtime", "frontend"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (!entry.is_regular_file()) continue;
      const bool includes = Read(entry.path()).find("dnnl.h") != std::string::npos;
      const bool inside = entry.path().string().find("runtime/onednn/") != std::string::npos;
      EXPECT_TRUE(!includes || inside) << entry.path();
      seen += includes;
    }
  }
  EXPECT_GT(seen, 0);
}

TEST(Project, NoSourceFileIsLongerThan450Lines) {
  int seen = 0;
  for (const char* folder :
       {"graph", "ops", "autodiff", "passes", "runtime", "frontend", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
      const std::string text = Read(entry.path());
      EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 450) << entry.path();
      ++seen;
    }
  }
  EXPECT_GT(seen, 500);
}

TEST(Project, ReadmeNamesEveryFolder) {
  const std::string readme = Read(kRoot / "README.md");
  int seen = 0;
  for (const char* folder : {"graph", "passes", "runtime", "frontend"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (!entry.is_directory()) continue;
      const std::string name = " " + entry.path().filename().string() + "/";
      EXPECT_NE(readme.find(name), std::string::npos) << entry.path();
      ++seen;
    }
  }
  EXPECT_GT(seen, 10);
}

// What a header declares is compiled in the file of its name, where there is one.
TEST(Project, AFileIncludesTheHeaderOfItsName) {
  int seen = 0;
  for (const char* folder : {"graph", "ops", "autodiff", "passes", "runtime", "frontend"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (entry.path().extension() != ".cc") continue;
      const fs::path header = fs::path(entry.path()).replace_extension(".h");
      if (!fs::exists(header)) continue;
      const std::string include = "#include \"" + fs::relative(header, kRoot).string() + "\"";
      EXPECT_NE(Read(entry.path()).find(include), std::string::npos) << entry.path();
      ++seen;
    }
  }
  EXPECT_GT(seen, 100);
}

TEST(Project, ReadmeShowsTheExamplesThatAreTested) {
  for (const char* file : {"example.cc", "own_dataset.cc", "own_rule.cc"}) {
    const std::string example = Read(kRoot / "tests/install" / file);
    EXPECT_NE(Read(kRoot / "README.md").find("```cpp\n" + example + "```\n"), std::string::npos)
        << file;
    EXPECT_LE(std::count(example.begin(), example.end(), '\n'), 40) << file;
  }
}

}  // namespace
