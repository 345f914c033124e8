// Reads the doc comments of the headers and writes docs/ops.md from them.
#pragma once

#include <string>
#include <vector>

#include "support/source_files.hpp"

namespace gloss_test {

/// A documented declaration with the undocumented ones that follow it directly.
struct DocEntry {
  std::string header;                   // "ops/softmax.hpp"
  std::vector<std::string> text;        // the comment, line by line
  std::vector<std::string> signatures;  // without body
  std::vector<std::string> names;       // of the functions, each once: "softmax", "operator+", "Tensor::view"

  /// Whether it stands for something that is called.
  bool is_function() const {
    for (const char* word : {"struct ", "class ", "enum ", "using ", "concept "}) {
      const auto at = signatures[0].find(word);
      if (at != std::string::npos && at < signatures[0].find('(')) return false;
    }
    return signatures[0].find('(') != std::string::npos;
  }
  /// Whether a line of the comment begins with `field`, or the field follows a full stop in it.
  bool has(const std::string& field) const {
    for (const std::string& line : text)
      if (line.starts_with(field) || line.find(". " + field) != std::string::npos) return true;
    return false;
  }
};

struct DocHeader {
  std::string name, title;  // title: the comment at its top
  std::vector<DocEntry> entries;
  std::vector<std::string> undocumented;  // where a declaration stands without a comment
};

namespace detail {
inline std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The name that a declaration gives: what stands before the first parenthesis outside the template list.
inline std::string declared_name(std::string text) {
  if (text.starts_with("template <")) {
    int depth = 0;
    std::size_t i = 9;
    for (; i < text.size(); ++i) {
      if (text[i] == '<') ++depth;
      if (text[i] == '>' && --depth == 0) break;
    }
    text = trimmed(text.substr(i + 1));
  }
  if (text.starts_with("requires")) {  // a constraint in parentheses, or one name with its arguments
    int depth = 0;
    std::size_t i = 8;
    for (; i < text.size(); ++i) {
      if (text[i] == '(' || text[i] == '<') ++depth;
      if ((text[i] == ')' || text[i] == '>') && --depth == 0) break;
    }
    text = trimmed(text.substr(i + 1));
  }
  for (const char* word : {"struct ", "class ", "enum class ", "using ", "concept "})
    if (text.starts_with(word)) {
      text = text.substr(std::string(word).size());
      return text.substr(0, text.find_first_of(" :{;<"));
    }
  const auto op = text.find("operator");
  if (op != std::string::npos) {
    const auto end = text.find('(', op + 8 + (text.compare(op + 8, 2, "()") == 0 ? 2 : 0));
    return trimmed(text.substr(op, end - op));
  }
  const auto end = text.find('(');
  if (end == std::string::npos) {
    const auto equals = text.find_first_of("={;");
    const std::string left = trimmed(text.substr(0, equals));
    return left.substr(left.find_last_of(" *&") + 1);
  }
  const std::string left = trimmed(text.substr(0, end));
  return left.substr(left.find_last_of(" *&>") + 1);
}

/// A declaration on one line, without body and without what only the compiler wants.
inline std::string signature(std::string text) {
  const auto paren = text.find(')');
  const auto body = text.find(" {", paren == std::string::npos ? 0 : paren);
  if (body != std::string::npos) text.resize(body);
  if (!text.empty() && text.back() == ';') text.pop_back();
  for (const std::string word : {"GLOSS_NOINLINE ", "inline ", "friend ", "explicit "})
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word))
      if (at == 0 || text[at - 1] == ' ')
        text.erase(at, word.size());
      else
        break;
  return trimmed(text);
}
}  // namespace detail

/// The documented declarations of a header at namespace level, detail left out; with `members_of`, those in the public
/// part of that class instead.
inline DocHeader read_doc_header(const SourceFile& file, const std::string& members_of = "") {
  DocHeader header{file.name, "", {}, {}};
  for (const std::string& line : file.lines) {
    if (!line.starts_with("// ")) break;
    header.title += (header.title.empty() ? "" : " ") + line.substr(3);
  }
  const std::string indent = members_of.empty() ? "" : "  ";
  bool inside = members_of.empty(), in_detail = false, adjacent = false;
  std::vector<std::string> comment;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (!members_of.empty()) {
      if (line.starts_with("class " + members_of + " {")) inside = true;
      if (inside && (line == " private:" || line == " protected:" || line == "};")) inside = false;
    }
    if (line.starts_with("namespace detail")) in_detail = true;
    if (in_detail) {
      if (line.starts_with("}  // namespace")) in_detail = false;
      continue;
    }
    if (!inside) continue;
    if (line.starts_with(indent + "///")) {
      comment.push_back(line.size() > indent.size() + 4 ? line.substr(indent.size() + 4) : "");
      adjacent = false;
      continue;
    }
    const bool starts_declaration =
        line.size() > indent.size() && line.starts_with(indent) &&
        (std::isalpha(static_cast<unsigned char>(line[indent.size()])) || line[indent.size()] == '[') &&
        !line.starts_with("namespace ") && !line.starts_with("GLOSS_INSTANTIATE") && !line.starts_with("extern ");
    if (!starts_declaration) {
      if (line.empty() || line.starts_with("#")) {
        comment.clear();
        adjacent = false;
      }
      continue;
    }
    // The declaration: up to its body or semicolon.
    const auto code = [](const std::string& with_comment) {
      std::string text = detail::trimmed(with_comment.substr(0, with_comment.find("  // ")));
      for (const char* name : {"max", "min"})  // declared in parentheses, lest a macro of the name takes it
        if (const auto at = text.find('(' + std::string(name) + ")("); at != std::string::npos)
          text.replace(at, 5, " " + std::string(name));
      return text;
    };
    std::string text = code(line);
    while (i + 1 < file.lines.size() && !text.ends_with("{") && !text.ends_with("}") && !text.ends_with(";"))
      text += " " + code(file.lines[++i]);
    if (text.starts_with("static_assert") || text.starts_with("friend ")) continue;
    if (text.starts_with("using kernels::")) continue;
    const bool is_aggregate = (text.find("struct ") != std::string::npos || text.starts_with("enum class ")) &&
                              text.find('(') == std::string::npos;
    const std::string name = detail::declared_name(text);
    std::string shown = detail::signature(text);
    if (is_aggregate && text.ends_with("{")) shown = text;
    // Skip its body; an aggregate is shown whole, for the comments beside its fields.
    if (text.ends_with("{")) {
      for (++i; i < file.lines.size() && file.lines[i] != indent + "}" && file.lines[i] != indent + "};"; ++i)
        if (is_aggregate) shown += "\n    " + file.lines[i];
      if (is_aggregate) shown += "\n    };";
    }
    const bool is_operator = name.starts_with("operator") && name != "operator[]" && name != "operator=";
    const bool speaks_for_itself = is_aggregate || is_operator;  // an operator follows the function that it stands for
    if (is_operator && comment.empty() && !header.entries.empty()) adjacent = true;
    if (!comment.empty() || !adjacent || header.entries.empty()) {
      if (comment.empty() && !speaks_for_itself)
        header.undocumented.push_back(file.at(static_cast<int>(i + 1)) + " " + name);
      header.entries.push_back({file.name, comment, {}, {}});
      comment.clear();
    }
    DocEntry& entry = header.entries.back();
    entry.signatures.push_back(shown);
    const std::string full = members_of.empty() ? name : members_of + "::" + name;
    if (std::find(entry.names.begin(), entry.names.end(), full) == entry.names.end()) entry.names.push_back(full);
    adjacent = true;
  }
  return header;
}

/// What docs/ops.md is about: factories, the members of Tensor, every header of ops/.
inline std::vector<DocHeader> read_ops() {
  std::vector<DocHeader> headers;
  for (const auto& file : read_sources(GLOSS_SOURCE_DIR "/include/gloss")) {
    if (file.name == "tensor/tensor_class.hpp") headers.push_back(read_doc_header(file, "Tensor"));
    if (file.name == "tensor/factories.hpp" || file.folder() == "ops") headers.push_back(read_doc_header(file));
  }
  // What begins with "The shared part" is for those who write ops.
  std::erase_if(headers,
                [](const DocHeader& h) { return h.entries.empty() || h.title.starts_with("The shared part"); });
  // Making tensors and the members first, then op by op.
  std::stable_sort(headers.begin(), headers.end(), [](const DocHeader& a, const DocHeader& b) {
    return a.name.starts_with("tensor/") && !b.name.starts_with("tensor/");
  });
  return headers;
}

/// The text of docs/ops.md.
inline std::string ops_page(const std::vector<DocHeader>& headers) {
  std::string page =
      "# Ops\n\n"
      "Every factory, member of `Tensor` and op, from the comments in the headers. This page is written by the test\n"
      "program (`GLOSS_WRITE_DOCS=1 ctest -R meta.ops_doc`), and the test fails while it is not what the headers say.\n"
      "`T` is the element type; `Real` means float or double, `Element` any type that a tensor can hold.\n\n";
  const auto anchor = [](const std::string& name) {
    std::string a;
    for (const char c : name)
      if (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-')
        a += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return a;
  };
  for (const DocHeader& h : headers) {
    std::string names;
    for (const DocEntry& e : h.entries)
      for (const std::string& name : e.names) {
        const std::string shown = name.substr(name.rfind(':') == std::string::npos ? 0 : name.rfind(':') + 1);
        if (!shown.empty() && names.find("`" + shown + "`") == std::string::npos)
          names += (names.empty() ? "" : " ") + ("`" + shown + "`");
      }
    page += "- [" + h.name + "](#" + anchor(h.name) + "): " + names + "\n";
  }
  for (const DocHeader& h : headers) {
    page += "\n## " + h.name + "\n\n";
    if (!h.title.empty()) page += h.title + (h.title.ends_with(".") ? "" : ".") + "\n";
    for (const DocEntry& e : h.entries) {
      page += "\n";
      for (const std::string& s : e.signatures) page += "    " + s + "\n";
      page += "\n";
      for (std::size_t i = 0; i < e.text.size(); ++i) {
        bool field = false;  // a line of its own, and the line before it must end
        for (const char* f : {"Shape:", "Errors:", "Backward:", "Source:", "PyTorch:", "AT:", "Keys:"})
          field = field || (i + 1 < e.text.size() && e.text[i + 1].starts_with(f));
        page += e.text[i] + (field ? "  \n" : "\n");
      }
    }
  }
  return page;
}

}  // namespace gloss_test
