#include "engine/pdf/content_tokens.h"

#include <charconv>
#include <utility>

namespace pg_ocr {
namespace {

constexpr size_t most_operands = 40;  // a colour in as many inks as a PDF may have
constexpr size_t deepest = 20;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\0'; }
bool is_delimiter(char c) { return std::string_view("()<>[]{}/%").find(c) != std::string_view::npos; }

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool looks_like_a_number(std::string_view word) {
    return word.find_first_not_of("+-.0123456789") == std::string_view::npos;
}

}  // namespace

bool ContentTokens::unsound() {
    is_sound_ = false;
    return false;
}

void ContentTokens::skip_blanks() {
    for (; at_ < content_.size(); ++at_) {
        if (content_[at_] == '%')
            while (at_ + 1 < content_.size() && content_[at_] != '\n' && content_[at_] != '\r') ++at_;
        else if (!is_blank(content_[at_]))
            return;
    }
}

void ContentTokens::skip_text() {
    size_t open = 0;
    for (; at_ < content_.size(); ++at_) {
        if (content_[at_] == '\\')
            ++at_;
        else if (content_[at_] == '(')
            ++open;
        else if (content_[at_] == ')' && --open == 0) {
            ++at_;
            return;
        }
    }
    is_sound_ = false;
}

void ContentTokens::skip_hexadecimal() {
    const size_t end = content_.find('>', at_);
    if (end == std::string_view::npos) is_sound_ = false;
    at_ = end == std::string_view::npos ? content_.size() : end + 1;
}

std::string_view ContentTokens::word() {
    const size_t begin = at_;
    while (at_ < content_.size() && !is_blank(content_[at_]) && !is_delimiter(content_[at_])) ++at_;
    return content_.substr(begin, at_ - begin);
}

bool ContentTokens::add(Operand operand) {
    if (depth_ > 0) return true;
    if (operands_.size() == most_operands) return unsound();
    operands_.push_back(std::move(operand));
    return true;
}

bool ContentTokens::add_name() {
    ++at_;
    const std::string_view written = word();
    std::string name = "/";
    for (size_t i = 0; i < written.size(); ++i) {
        if (written[i] != '#') {
            name += written[i];
            continue;
        }
        if (i + 2 >= written.size()) return unsound();
        const int high = digit_of(written[i + 1]), low = digit_of(written[i + 2]);
        if (high < 0 || low < 0) return unsound();
        name += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return add({Operand::Kind::name, 0, std::move(name)});
}

bool ContentTokens::add_word(std::string_view written) {
    if (!looks_like_a_number(written)) return add({});
    if (written.starts_with('+')) written.remove_prefix(1);
    Operand operand{Operand::Kind::number, 0, {}};
    const char* end = written.data() + written.size();
    const auto [read_to, error] = std::from_chars(written.data(), end, operand.number);
    if (error != std::errc() || read_to != end) return unsound();
    return add(std::move(operand));
}

bool ContentTokens::next() {
    operands_.clear();
    depth_ = 0;
    while (is_sound_) {
        skip_blanks();
        if (at_ == content_.size()) return operands_.empty() && depth_ == 0 ? false : unsound();
        const char c = content_[at_];
        const std::string_view two = content_.substr(at_, 2);
        bool added = true;
        if (c == '/') {
            added = add_name();
        } else if (c == '(') {
            skip_text();
            added = add({});
        } else if (c == '[' || two == "<<") {
            added = add({});
            if (++depth_ > deepest) return unsound();
            at_ += c == '[' ? 1 : 2;
        } else if (c == ']' || two == ">>") {
            if (depth_ == 0) return unsound();
            --depth_;
            at_ += c == ']' ? 1 : 2;
        } else if (c == '<') {
            skip_hexadecimal();
            added = add({});
        } else if (is_delimiter(c)) {
            return unsound();
        } else {
            const std::string_view written = word();
            const bool is_value = written == "true" || written == "false" || written == "null";
            if (depth_ == 0 && !is_value && !looks_like_a_number(written)) {
                operation_ = written;
                return true;
            }
            added = add_word(written);
        }
        if (!added) return false;
    }
    return false;
}

}  // namespace pg_ocr
