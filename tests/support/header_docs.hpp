// Reads the doc comments of the headers and writes pages from them: docs/ops.md, docs/layers.md, docs/optim.md, ...
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdlib>
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
  std::vector<std::string> members;     // of a class: its public functions

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

/// Where the name stands that the declaration of a class or struct gives; npos when it declares something else.
inline std::size_t class_name_at(const std::string& text) {
  for (const std::string word : {"class ", "struct "})
    if (const auto at = text.rfind(word); at != std::string::npos && (at == 0 || text.compare(at - 2, 2, "> ") == 0))
      if (text.find('(', at) == std::string::npos) return at + word.size();
  return std::string::npos;
}

/// The name that a declaration gives: what stands before the first parenthesis outside the template list.
inline std::string declared_name(std::string text) {
  if (const auto at = class_name_at(text); at != std::string::npos) {
    auto end = text.find_first_of(" :{;<", at);
    while (text.compare(end, 2, "::") == 0) end = text.find_first_of(" :{;<", end + 2);  // a class within one
    return text.substr(at, end - at);
  }
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
  for (const char* word : {"enum class ", "using ", "concept "})
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
    const auto equals = text.find_first_of("=[{;");
    const std::string left = trimmed(text.substr(0, equals));
    return left.substr(left.find_last_of(" *&") + 1);
  }
  const std::string left = trimmed(text.substr(0, end));
  return left.substr(left.find_last_of(" *&>") + 1);
}

/// A declaration on one line, without body and without what only the compiler wants.
inline std::string signature(std::string text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (depth == 0 && text.compare(i, 2, " {") == 0) text.resize(i);  // the body, and no default argument
  }
  if (!text.empty() && text.back() == ';') text.pop_back();
  if (text.ends_with(" =")) text.resize(text.size() - 2);
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

/// The declaration that begins at lines[i], on one line, up to its body or semicolon, without comments; i moves to its
/// last line.
inline std::string declaration(const std::vector<std::string>& lines, std::size_t& i) {
  const auto code = [](const std::string& with_comment) {
    std::string text = trimmed(with_comment.substr(0, with_comment.find("  // ")));
    for (const char* name : {"max", "min"})  // declared in parentheses, lest a macro of the name takes it
      if (const auto at = text.find('(' + std::string(name) + ")("); at != std::string::npos)
        text.replace(at, 5, " " + std::string(name));
    for (const std::string attribute : {"[[nodiscard]] ", "alignas("})
      if (const auto at = text.find(attribute); at != std::string::npos) text.erase(at, text.find(' ', at) + 1 - at);
    const bool asks = text.starts_with("requires requires") && text.ends_with("}");
    return asks ? "" : text;  // long, and for the compiler
  };
  std::string text = code(lines[i]);
  const auto ends = [&] {
    const bool balanced = std::count(text.begin(), text.end(), '(') == std::count(text.begin(), text.end(), ')');
    return balanced && (text.ends_with("{") || text.ends_with("}") || text.ends_with(";"));
  };
  while (i + 1 < lines.size() && !ends())
    if (const std::string more = code(lines[++i]); !more.empty()) text += " " + more;
  return text;
}

/// Whether a declaration says nothing to who calls.
inline bool is_for_the_compiler(const std::string& text) {
  for (const char* start : {"static_assert", "friend ", "using kernels::", "using gloss::"})
    if (text.starts_with(start)) return true;
  return (class_name_at(text) != std::string::npos && text.ends_with(";")) || text.ends_with("= delete;") ||
         text.find(" GLOSS_REFUSED(") != std::string::npos;
}

/// What a class shows: fields as they stand, functions without their bodies, and the comments above them.
struct PublicPart {
  std::vector<std::string> lines;
  std::vector<std::string> functions;     // their names, but for constructors, operators and what overrides
  std::vector<std::size_t> undocumented;  // the lines of those without a comment, unless they follow one that has it
};

/// That of the class `name`, whose body is lines[begin, end).
inline PublicPart public_part(const std::vector<std::string>& lines, std::size_t begin, std::size_t end,
                              const std::string& name, bool is_public) {
  PublicPart part;
  bool adjacent = true;  // what the class's comment says, the first function does not say again
  std::vector<std::string> comment;
  for (std::size_t i = begin; i < end; ++i) {
    const std::string line = lines[i];
    if (line.starts_with(" p") && line.ends_with(":")) is_public = line == " public:";
    if (line.empty()) comment.clear(), adjacent = false;
    if (!is_public || !line.starts_with("  ")) continue;
    if (line.starts_with("  //")) {
      comment.push_back(line);
      continue;
    }
    const std::size_t first = i;
    const std::string text = declaration(lines, i);
    const bool is_operator = text.find("operator") != std::string::npos;
    const bool is_function = is_operator || (text.find('(') < text.find('=') && !text.starts_with("using ") &&
                                             !text.starts_with("std::function<"));
    if (text.ends_with("{"))
      while (++i < end && lines[i] != "  }" && lines[i] != "  };") {
      }
    if (is_for_the_compiler(text) || text.find('~') != std::string::npos ||
        (text.ends_with(" = default;") && !text.starts_with(name + "() ="))) {
      comment.clear();
      continue;
    }
    part.lines.insert(part.lines.end(), comment.begin(), comment.end());
    if (is_function) {
      const std::string function = declared_name(text);
      const bool inherits =
          text.find(") override") != std::string::npos || text.find(" const override") != std::string::npos;
      const bool speaks_for_itself = function == name || is_operator || inherits;
      if (comment.empty() && !adjacent && !speaks_for_itself) part.undocumented.push_back(first);
      if (!speaks_for_itself) part.functions.push_back(function);
      std::string shown = signature(text);
      if (const auto at = shown.find(") : "); at != std::string::npos) shown.resize(at + 1);
      if (std::find(part.lines.begin(), part.lines.end(), "  " + shown) == part.lines.end())  // for each platform one
        part.lines.push_back("  " + shown);
    } else {
      part.lines.insert(part.lines.end(), lines.begin() + static_cast<std::ptrdiff_t>(first),
                        lines.begin() + static_cast<std::ptrdiff_t>(std::min(i + 1, end)));
    }
    comment.clear();
    adjacent = true;
  }
  return part;
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
    const std::string line = file.lines[i];
    if (!members_of.empty()) {
      if (line.starts_with("class " + members_of + " {")) inside = true;
      if (inside && (line == " private:" || line == " protected:" || line == "};")) inside = false;
    }
    const bool is_declared_only = i + 2 < file.lines.size() && file.lines[i + 2] == "}";
    if (line.starts_with("namespace ") && line.ends_with("detail {")) in_detail = !is_declared_only;
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
      if (line.empty()) {
        comment.clear();
        adjacent = false;
      }
      continue;
    }
    const std::string text = detail::declaration(file.lines, i);
    if (detail::is_for_the_compiler(text)) continue;
    const bool is_guide = text.find(") -> ") != std::string::npos && text.find("auto ") == std::string::npos;
    if (is_guide && comment.empty()) continue;
    const std::string name = detail::declared_name(text);
    const std::size_t body = i + 1;
    if (text.ends_with("{"))
      while (i + 1 < file.lines.size() && file.lines[++i] != indent + "}" && file.lines[i] != indent + "};" &&
             !(text.ends_with("= {") && file.lines[i].ends_with("}};"))) {
      }
    if (name.find("::") != std::string::npos && !name.starts_with("operator")) {  // it is declared in its class
      comment.clear();
      continue;
    }
    const bool shares = text.find(" final : detail::") != std::string::npos && text.ends_with("<T> {");
    const bool is_module = text.find(" : Module<T> {") != std::string::npos ||
                           text.find(" : public Module<T> {") != std::string::npos || shares;
    const bool is_aggregate = (text.find("struct ") != std::string::npos || text.starts_with("enum class ")) &&
                              text.find('(') == std::string::npos && !is_module;
    const bool is_class =
        members_of.empty() && !is_module && text.ends_with("{") && detail::class_name_at(text) != std::string::npos;
    detail::PublicPart part;
    if (is_class) part = detail::public_part(file.lines, body, i, name, is_aggregate);
    std::string shown = text.starts_with("enum ") ? text : detail::signature(text);
    if (is_class) {
      shown = text;
      for (const std::string& l : part.lines) shown += "\n    " + l;
    } else if (text.starts_with("enum ") && text.ends_with("{")) {  // whole, for the comments beside its names
      for (std::size_t k = body; k < i; ++k) shown += "\n    " + file.lines[k];
    }
    if (shown.starts_with(text) && text.ends_with("{")) shown += "\n    };";
    const bool is_operator = name.starts_with("operator") && name != "operator[]" && name != "operator=";
    const bool speaks_for_itself = is_aggregate || is_operator;  // an operator follows the function that it stands for
    if (is_operator && comment.empty() && !header.entries.empty()) adjacent = true;
    if (!comment.empty() || !adjacent || header.entries.empty()) {
      if (comment.empty() && !speaks_for_itself)
        header.undocumented.push_back(file.at(static_cast<int>(i + 1)) + " " + name);
      header.entries.push_back({file.name, comment, {}, {}, is_module, false, {}});
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
    for (const std::string& member : part.functions) entry.members.push_back(member);
    for (const std::size_t at : part.undocumented)
      header.undocumented.push_back(file.at(static_cast<int>(at + 1)) + " in " + name);
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

/// A list of the headers with the names in each.
inline std::string contents(const std::vector<DocHeader>& headers) {
  std::string list;
  for (const DocHeader& h : headers) {
    std::string names;
    for (const DocEntry& e : h.entries)
      for (const std::string& name : e.names) {
        const std::string shown = name.substr(name.rfind(':') == std::string::npos ? 0 : name.rfind(':') + 1);
        if (!shown.empty() && names.find("`" + shown + "`") == std::string::npos)
          names += (names.empty() ? "" : " ") + ("`" + shown + "`");
      }
    list += "- [" + h.name + "](#" + anchor(h.name) + "): " + names + "\n";
  }
  return list;
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
        const auto is_code = [&](std::size_t k) { return k < e.text.size() && e.text[k].starts_with("  "); };
        const bool field =  // the line before it must end
            i + 1 < e.text.size() && detail::starts_field(e.text[i + 1]) && !is_code(i);
        page += (is_code(i) ? "  " : "") + e.text[i] + (field ? "  \n" : "\n");
        if (is_code(i) != is_code(i + 1) && i + 1 < e.text.size()) page += "\n";
      }
    }
  }
  return page;
}

/// Whether `page` is what stands in the file. With GLOSS_WRITE_DOCS in the environment it is written there first.
inline bool is_current(const std::string& path, const std::string& page) {
  if (std::getenv("GLOSS_WRITE_DOCS")) std::ofstream(path, std::ios::binary) << page;
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()) == page;
}

/// The test sources below these folders of tests/ as one text, without comments; texts in quotes that go on in the next
/// line are joined.
inline std::string test_text(const std::vector<std::string>& folders) {
  std::string text;
  for (const std::string& folder : folders)
    for (const auto& file : read_sources(std::string(GLOSS_SOURCE_DIR "/tests/") + folder, {".cpp", ".hpp"}))
      for (const std::string& line : file.lines) {
        const std::string code = line.substr(0, line.find("//"));
        const bool goes_on = text.ends_with("\"\n") && detail::trimmed(code).starts_with('"');
        if (goes_on) text.resize(text.size() - 2);
        text += (goes_on ? detail::trimmed(code).substr(1) : code) + "\n";
      }
  return text;
}

/// Whether `name` is called: followed by an argument list, with or without template arguments.
inline bool is_called(const std::string& text, const std::string& name, bool is_member) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const char before = at > 0 ? text[at - 1] : ' ',
               after = at + name.size() < text.size() ? text[at + name.size()] : ' ';
    const bool begins = is_member ? before == '.' || before == ':' || before == '>'
                                  : !std::isalnum(static_cast<unsigned char>(before)) && before != '_';
    if (begins && (after == '(' || after == '<' || after == '{')) return true;
  }
  return false;
}

}  // namespace gloss_test
