// Files of known classes: a folder with a folder for each class.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/data/dataset.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// A file and the number of its class.
struct LabeledFile {
  std::string path;
  Index label = 0;
};

/// The files in a folder's folders, which are the classes, named by them and in the order of their names; so are the
/// files of a class, those in deeper folders too. Hidden ones (.name) are left out. As a Dataset, item i is the path
/// and label of file i; Map reads it:
///
///     data::Map(folder, [](const data::LabeledFile& f) { return std::tuple(io::read_image(f.path), f.label); })
///
/// Errors: LoadError naming the folder when it cannot be read, has no classes, or a class has no files.
/// PyTorch: torchvision.datasets.ImageFolder
class ClassFolder {
 public:
  /// Of all files those with one of these endings, in small or capital letters.
  GLOSS_COLD explicit ClassFolder(std::string root, const std::vector<std::string>& endings = {".png", ".jpg", ".jpeg"})
      : root_(std::move(root)) {
    namespace fs = std::filesystem;
    std::error_code error;
    for (fs::directory_iterator at(root_, error), end; !error && at != end; at.increment(error))
      if (const std::string name = at->path().filename().string(); at->is_directory(error) && name[0] != '.')
        classes_.push_back(name);
    check(error);
    if (classes_.empty()) fail<LoadError>("ClassFolder: ", root_, ": there is no folder in it, one for each class");
    std::sort(classes_.begin(), classes_.end());
    for (const std::string& name : classes_) {
      std::vector<std::string> found;
      const fs::path folder = fs::path(root_) / name;
      constexpr auto links = fs::directory_options::follow_directory_symlink;
      for (fs::recursive_directory_iterator at(folder, links, error), end; !error && at != end; at.increment(error)) {
        const std::string file = at->path().filename().string();
        if (file[0] == '.')
          at.disable_recursion_pending();
        else if (at->is_regular_file(error) && ends_with_one_of(file, endings))
          found.push_back(at->path().generic_string());
      }
      check(error);
      if (found.empty())
        fail<LoadError>("ClassFolder: ", folder.generic_string(), ": there are no files of a known kind in it");
      std::sort(found.begin(), found.end());
      for (std::string& path : found) files_.push_back({std::move(path), static_cast<Index>(&name - classes_.data())});
    }
  }

  /// Files of all classes.
  Index size() const { return static_cast<Index>(files_.size()); }
  const LabeledFile& get(Index i) const {
    detail::check_item("ClassFolder", i, size());
    return files_[static_cast<std::size_t>(i)];
  }
  std::string name(Index i) const { return get(i).path; }
  /// Their names; a label is a place among them.
  const std::vector<std::string>& classes() const { return classes_; }
  /// Of all files, for a split or a sampler.
  Tensor<std::int64_t> labels() const {
    Tensor<std::int64_t> all = empty<std::int64_t>({size()});
    for (Index i = 0; i < size(); ++i) all.data()[i] = files_[static_cast<std::size_t>(i)].label;
    return all;
  }

 private:
  void check(const std::error_code& error) const {
    if (error) fail<LoadError>("ClassFolder: ", root_, ": ", error.message());
  }
  static bool ends_with_one_of(std::string file, const std::vector<std::string>& endings) {
    for (char& c : file)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return std::any_of(endings.begin(), endings.end(), [&](const std::string& e) { return file.ends_with(e); });
  }

  std::string root_;
  std::vector<std::string> classes_;
  std::vector<LabeledFile> files_;
};

}  // namespace gloss::inline GLOSS_ABI::data
