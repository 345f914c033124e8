// Reads the doc comments of the headers and writes pages from them: docs/ops.md, docs/layers.md.
#pragma once

#include <cctype>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/source_files.hpp"

namespace gloss_test {

namespace detail {
/// Whether a line of a comment begins one of the fields that stand on lines of their own.
inline bool starts_field(const std::string& line) {
  for (const char* f : {"Shape:", "Errors:", "Backward:", "Source:", "PyTorch:", "AT:", "Keys:"})
    if (line.starts_with(f)) return true;
  return false;
}
}  // namespace detail

/// A documented declaration with the undocumented ones that follow it directly.
struct DocEntry {
  std::string header;                   // "ops/softmax.hpp"
  std::vector<std::string> text;        // the comment, line by line
  std::vector<std::string> signatures;  // without body
  std::vector<std::string> names;       // of the functions, each once: "softmax", "operator+", "Tensor::view"
  bool is_module = false;               // a class that derives from Module
  bool names_keys = false;              // whose visit names members

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
  /// What follows `field` at the beginning of a line, to the end of the comment or to the next field.
  std::string whole_field(const std::string& name) const {
    std::string found;
    bool inside = false;
    for (const std::string& line : text) {
      if (line.starts_with(name))
        inside = true, found = line.substr(name.size() + 1);
      else if (inside && detail::starts_field(line))
        inside = false;
      else if (inside)
        found += " " + line;
    }
    return found;
  }
  /// What follows `field` at the beginning of a line, up to a comma or semicolon or the end; "" without it.
  std::string field(const std::string& name) const {
    for (const std::string& line : text)
      if (line.starts_with(name)) return line.substr(name.size() + 1, line.find_first_of(",;") - name.size() - 1);
    return "";
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
  for (const std::string word : {"GLOSS_LAZY ", "GLOSS_NOINLINE ", "GLOSS_COLD ", "inline ", "friend ", "explicit "})
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word))
      if (at == 0 || text[at - 1] == ' ')
        text.erase(at, word.size());
      else
        break;
  return trimmed(text);
}

/// How a module is made and called: the public constructors and calls in its body, lines[begin, end), without theirs.
inline std::vector<std::string> module_signatures(const std::vector<std::string>& lines, std::size_t begin,
                                                  std::size_t end, const std::string& name) {
  std::vector<std::string> shown;
  for (std::size_t i = begin; i < end && lines[i] != " private:"; ++i) {
    std::string text = trimmed(lines[i]);
    while (text.starts_with("GLOSS_LAZY ") || text.starts_with("GLOSS_COLD ")) text = text.substr(text.find(' ') + 1);
    const bool here = lines[i].starts_with("  ") && !lines[i].starts_with("   ");
    const bool makes = text.starts_with(name + "(") || text.starts_with("explicit " + name + "(") ||
                       text.starts_with("static " + name + " ");
    if (!here || (!makes && text.find(" operator()(") == std::string::npos)) continue;
    int depth = 0;
    std::string whole;
    for (;; text = trimmed(lines[++i])) {
      std::size_t at = 0;
      for (; at < text.size(); ++at) {
        if (text[at] == '(') ++depth;
        if (text[at] == ')' && --depth == 0 && text.compare(at, 2, ")(") != 0) break;
      }
      whole += (whole.empty() ? "" : " ") + text.substr(0, at + 1);
      if (at < text.size() || i + 1 >= end) break;
    }
    shown.push_back(signature(whole));
  }
  if (shown.empty() || shown[0].find(name + "(") == std::string::npos) shown.insert(shown.begin(), name + "()");
  return shown;
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
    if (text.find(" GLOSS_REFUSED(") != std::string::npos) continue;  // nothing that can be called
    const bool shares = text.find(" final : detail::") != std::string::npos && text.ends_with("<T> {");
    const bool is_module = text.find(" : Module<T> {") != std::string::npos ||
                           text.find(" : public Module<T> {") != std::string::npos || shares;
    const bool is_aggregate = (text.find("struct ") != std::string::npos || text.starts_with("enum class ")) &&
                              text.find('(') == std::string::npos && !is_module;
    const std::string name = detail::declared_name(text);
    std::string shown = detail::signature(text);
    if (is_aggregate && text.ends_with("{")) shown = text;
    // Skip its body; an aggregate is shown whole, for the comments beside its fields.
    const std::size_t body = i + 1;
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
      header.entries.push_back({file.name, comment, {}, {}, is_module});
      comment.clear();
    }
    DocEntry& entry = header.entries.back();
    if (is_module) {
      for (const std::string& s : detail::module_signatures(file.lines, body, i, name)) entry.signatures.push_back(s);
      for (std::size_t k = body; k < i; ++k)
        entry.names_keys = entry.names_keys || file.lines[k].find(" v(\"") != std::string::npos;
    } else {
      entry.signatures.push_back(shown);
    }
    const std::string full = members_of.empty() ? name : members_of + "::" + name;
    if (std::find(entry.names.begin(), entry.names.end(), full) == entry.names.end()) entry.names.push_back(full);
    adjacent = true;
  }
  return header;
}

/// The link to a heading of the page it stands on.
inline std::string anchor(const std::string& heading) {
  std::string a;
  for (const char c : heading)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-')
      a += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return a;
}

/// All comments with what they stand above, a section for each header.
inline std::string sections(const std::vector<DocHeader>& headers) {
  std::string page;
  for (const DocHeader& h : headers) {
    page += "\n## " + h.name + "\n\n";
    if (!h.title.empty()) page += h.title + (h.title.ends_with(".") ? "" : ".") + "\n";
    for (const DocEntry& e : h.entries) {
      page += "\n";
      for (const std::string& s : e.signatures) page += "    " + s + "\n";
      page += "\n";
      for (std::size_t i = 0; i < e.text.size(); ++i) {
        const bool field = i + 1 < e.text.size() && detail::starts_field(e.text[i + 1]);  // the line before it must end
        page += e.text[i] + (field ? "  \n" : "\n");
      }
    }
  }
  return page;
}

/// A page of docs/ as it stands.
inline std::string read_page(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace gloss_test
