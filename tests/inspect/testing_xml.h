#ifndef WEFT_TESTS_INSPECT_TESTING_XML_H_
#define WEFT_TESTS_INSPECT_TESTING_XML_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

struct XmlElement {
  std::string tag = {};
  std::map<std::string, std::string> attributes = {};  // with entities replaced
  std::string text = {};                               // its own, not its children's
  int parent = -1;                                     // its index; -1: none
  // "" where there is no such attribute.
  std::string Get(const std::string& name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? "" : found->second;
  }
  // Whether "class" names this one among others.
  bool Is(const std::string& name) const {
    return (" " + Get("class") + " ").find(" " + name + " ") != std::string::npos;
  }
};

// An XML document without declarations, comments and CDATA: its elements in the order of their
// first tags, or what is wrong with it.
struct XmlDocument {
  std::vector<XmlElement> elements = {};
  std::string error = {};
  std::vector<const XmlElement*> All(const std::string& css_class) const {
    std::vector<const XmlElement*> found;
    for (const XmlElement& e : elements) {
      if (e.Is(css_class)) found.push_back(&e);
    }
    return found;
  }
  int IndexOf(const XmlElement& e) const { return static_cast<int>(&e - elements.data()); }
  // The elements within `of`, at any depth.
  std::vector<const XmlElement*> Within(const XmlElement& of) const {
    std::vector<const XmlElement*> found;
    for (const XmlElement& e : elements) {
      for (int p = e.parent; p >= 0; p = elements[static_cast<size_t>(p)].parent) {
        if (p == IndexOf(of)) found.push_back(&e);
      }
    }
    return found;
  }
  // The first child with this tag.
  const XmlElement* Child(const XmlElement& of, const std::string& tag) const {
    for (const XmlElement& e : elements) {
      if (e.parent == IndexOf(of) && e.tag == tag) return &e;
    }
    return nullptr;
  }
};

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : text_(text) {}

  XmlDocument Read() {
    while (at_ < text_.size() && document_.error.empty()) {
      if (text_[at_] != '<') {
        const std::string part = Unescaped(Until('<'));
        if (!open_.empty()) {
          document_.elements[static_cast<size_t>(open_.back())].text += part;
        } else if (part.find_first_not_of(" \n") != std::string::npos) {
          Fail("text outside of the root");
        }
      } else if (text_.substr(at_).starts_with("</")) {
        End();
      } else {
        Begin();
      }
    }
    if (!open_.empty()) Fail("an element is not ended");
    return std::move(document_);
  }

 private:
  void Fail(const std::string& what) {
    if (document_.error.empty()) {
      document_.error =
          what + " at byte " + std::to_string(at_) + ": " + std::string(text_.substr(at_, 60));
    }
    at_ = text_.size();
  }
  std::string_view Until(char end) {
    const size_t from = at_;
    at_ = std::min(text_.find(end, at_), text_.size());
    return text_.substr(from, at_ - from);
  }
  bool Take(std::string_view what) {
    if (!text_.substr(std::min(at_, text_.size())).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  std::string Name() {
    const size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '-' || text_[at_] == ':')) {
      ++at_;
    }
    if (at_ == from) Fail("a name is missing");
    return std::string(text_.substr(from, at_ - from));
  }
  std::string Unescaped(std::string_view raw) {
    static const std::map<std::string_view, char> kEntities = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    std::string result;
    for (size_t i = 0; i < raw.size(); ++i) {
      const auto byte = static_cast<unsigned char>(raw[i]);
      if (byte < 0x20 && raw[i] != '\n' && raw[i] != '\t') Fail("a control character");
      if (raw[i] != '&') {
        result += raw[i];
        continue;
      }
      const auto entity = kEntities.find(raw.substr(i, raw.find(';', i) - i + 1));
      if (entity == kEntities.end()) {
        Fail("an unknown entity");
        return result;
      }
      result += entity->second;
      i += entity->first.size() - 1;
    }
    return result;
  }
  void End() {
    at_ += 2;
    const std::string tag = Name();
    if (open_.empty() || document_.elements[static_cast<size_t>(open_.back())].tag != tag) {
      return Fail("</" + tag + "> ends nothing");
    }
    open_.pop_back();
    if (!Take(">")) Fail("expected >");
  }
  void Begin() {
    ++at_;
    if (open_.empty() && !document_.elements.empty()) return Fail("a second root");
    XmlElement element{.tag = Name(), .parent = open_.empty() ? -1 : open_.back()};
    while (Take(" ")) {
      const std::string name = Name();
      if (!Take("=\"")) return Fail("expected =\"");
      const std::string_view raw = Until('"');
      if (raw.find('<') != std::string_view::npos) return Fail("< in an attribute");
      if (!element.attributes.emplace(name, Unescaped(raw)).second) return Fail("attribute twice");
      if (!Take("\"")) return Fail("expected \"");
    }
    document_.elements.push_back(std::move(element));
    if (Take("/>")) return;
    if (!Take(">")) return Fail("expected >");
    open_.push_back(static_cast<int>(document_.elements.size()) - 1);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<int> open_;
  XmlDocument document_;
};

inline XmlDocument ReadXml(std::string_view text) { return XmlReader(text).Read(); }

}  // namespace weft

#endif  // WEFT_TESTS_INSPECT_TESTING_XML_H_
