// A place in a JSON file that knows its name: what is read from it is checked, and what is wrong is said with the name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

class JsonField {
 public:
  using Json = nlohmann::json;

  /// `name` is the place: "file: a.b[2]", for the whole file "file".
  JsonField(const Json& value, std::string name, bool whole = false)
      : value_(&value), name_(std::move(name)), whole_(whole) {}

  template <class... Parts>
  [[noreturn]] void bad(const Parts&... cause) const {
    fail<LoadError>(name_, ": ", cause...);
  }

  const Json& json() const { return *value_; }
  const std::string& name() const { return name_; }
  bool is_null() const { return value_->is_null(); }

  /// A member; null when it is not there.
  JsonField operator[](const char* key) const {
    static const Json null;
    if (!value_->is_object()) bad("expected an object");
    const auto found = value_->find(key);
    return {found == value_->end() ? null : *found, name_ + (whole_ ? ": " : ".") + key};
  }
  /// The elements of an array; none for null.
  std::vector<JsonField> elements() const {
    std::vector<JsonField> all;
    if (is_null()) return all;
    if (!value_->is_array()) bad("expected an array");
    for (std::size_t i = 0; i < value_->size(); ++i)
      all.emplace_back((*value_)[i], name_ + "[" + std::to_string(i) + "]");
    return all;
  }

  const std::string& text() const {
    if (!value_->is_string()) bad("expected a string");
    return value_->get_ref<const std::string&>();
  }
  std::string text_or(std::string_view otherwise) const { return is_null() ? std::string(otherwise) : text(); }
  bool flag_or(bool otherwise) const {
    if (is_null()) return otherwise;
    if (!value_->is_boolean()) bad("expected true or false");
    return value_->get<bool>();
  }
  Index number(Index least = 0, Index most = Index{1} << 31) const {
    if (!value_->is_number_integer() || (value_->is_number_unsigned() && value_->get<std::uint64_t>() > 1ull << 62))
      bad("expected a whole number");
    const auto number = value_->get<std::int64_t>();
    if (number < least || number > most) bad("is ", number, ", expected ", least, " to ", most);
    return static_cast<Index>(number);
  }
  Index number_or(Index otherwise) const { return is_null() ? otherwise : number(); }
  double real() const {
    if (!value_->is_number()) bad("expected a number");
    return value_->get<double>();
  }

 private:
  const Json* value_;
  std::string name_;
  bool whole_;
};

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
