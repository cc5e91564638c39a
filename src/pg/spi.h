// Transactions and statements for background workers, in C++ values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pg_ocr::pg {

/// A bytea, which stays its owner's.
struct Bytes {
    const char* bytes;
    size_t size;
};

/// A parameter: NULL, or a value of boolean, int4, int8, float4, text (UTF-8; converted to the server's encoding) or
/// bytea.
using Value = std::variant<std::monostate, bool, int32_t, int64_t, float, std::string, Bytes>;

/// A statement whose plan is kept for the life of the process. Types are SQL's, by OID, in the order of $1, $2, …
class Statement {
  public:
    Statement(const char* sql, std::vector<unsigned> types) : sql_(sql), types_(std::move(types)) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    using Row = std::vector<std::optional<std::string>>;
    /// All rows, every column as UTF-8 text. Inside transaction() only. Throws pg::Error.
    std::vector<Row> rows(const std::vector<Value>& arguments);
    /// The first column of the first row; nothing where there is no row or it is NULL.
    std::optional<std::string> value(const std::vector<Value>& arguments);
    /// Hands the bytes of the first row's first column, a bytea, to `use`; false where there is none or it is NULL.
    bool bytes(const std::vector<Value>& arguments, const std::function<void(const char*, size_t)>& use);

  private:
    void execute(const std::vector<Value>& arguments);
    const char* sql_;
    std::vector<unsigned> types_;
    void* plan_ = nullptr;
};

/// What pg_stat_activity says of this process between its transactions: that it is at this, or idle, and how.
void show_activity(bool is_busy, const std::string& what);

/// Runs `body` in a transaction of its own, which begins with a lock on the extension's queue, where there is one, with
/// SPI connected and a snapshot set, and commits. Where body or the commit throws, the transaction is aborted and the
/// exception goes on.
void transaction(const char* activity, const std::function<void()>& body);

}  // namespace pg_ocr::pg
