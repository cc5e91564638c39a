// A page's content as PDF writes it: operators behind their operands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pg_ocr {

struct Operand {
    enum class Kind : uint8_t { number, name, other };  ///< other: strings, arrays, dictionaries, true, null
    Kind kind = Kind::other;
    double number = 0;
    std::string name;  ///< with its slash
};

/// One operator after the other. What is not as it should be is the end, and told by is_sound().
class ContentTokens {
  public:
    /// The content must stay.
    explicit ContentTokens(std::string_view content) : content_(content) {}
    /// False at the end. The data of an inline image are not skipped: nothing sound comes behind BI.
    bool next();
    std::string_view operation() const { return operation_; }
    const std::vector<Operand>& operands() const { return operands_; }
    bool is_sound() const { return is_sound_; }

  private:
    void skip_blanks();
    void skip_text();
    void skip_hexadecimal();
    std::string_view word();
    bool unsound();
    bool add(Operand);
    bool add_name();
    bool add_word(std::string_view);

    std::string_view content_;
    size_t at_ = 0;
    size_t depth_ = 0;  ///< of arrays and dictionaries
    std::string_view operation_;
    std::vector<Operand> operands_;
    bool is_sound_ = true;
};

}  // namespace pg_ocr
