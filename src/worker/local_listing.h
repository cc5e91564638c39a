// The files of a store of type file, as a store lists its objects: beneath its directory, in the order of their keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/frame.h"
#include "protocol/http_message.h"

namespace pg_ocr {

/// Holds the names of the directories on the way to the present file, and of no others.
class LocalListing {
  public:
    /// Keys begin with `prefix`, which need not end at a slash. Throws std::system_error, naming the directory.
    LocalListing(const std::string& directory, std::string prefix);
    /// The next regular file; nothing: that was all. What was removed meanwhile is left out, and so are symbolic links.
    std::optional<StoredObject> next();
    /// What had to be left out since the last call, in words.
    std::vector<std::string> take_complaints();

  private:
    struct Entry {
        std::string name;  ///< of a directory, with a slash at its end: that is its place in the order of keys
        bool is_directory() const { return name.back() == '/'; }
    };
    struct Level {
        UniqueFd directory;
        std::string path;            ///< from the store's directory, with a slash at its end unless empty
        std::vector<Entry> entries;  ///< still to be looked at, the next one last
    };

    void enter(UniqueFd directory, const std::string& path);
    bool may_lead_to_prefix(const std::string& key) const;

    std::string prefix_;
    std::vector<Level> levels_;
    std::vector<std::string> complaints_;
};

}  // namespace pg_ocr
