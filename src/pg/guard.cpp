#include "pg/guard.h"

#include <cstring>

namespace pg_ocr::pg {
namespace {

template <size_t N>
void copy(char (&to)[N], const char* from) noexcept {
    size_t length = from == nullptr ? 0 : std::strlen(from);
    // A cut in the middle of a character would make the message invalid in the server's encoding.
    if (length >= N) length = static_cast<size_t>(pg_mbcliplen(from, static_cast<int>(length), N - 1));
    if (length > 0) std::memcpy(to, from, length);
    to[length] = '\0';
}

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

}  // namespace

void throw_pending(MemoryContext context) {
    MemoryContextSwitchTo(context);
    ErrorData* data = CopyErrorData();
    FlushErrorState();
    Error error(data->sqlerrcode, text_or_empty(data->message), text_or_empty(data->detail), text_or_empty(data->hint));
    FreeErrorData(data);
    throw error;
}

void keep(Raise& to, const Error& error) noexcept {
    keep(to, error.sqlstate, error.what());
    copy(to.detail, error.detail.c_str());
    copy(to.hint, error.hint.c_str());
}

void keep(Raise& to, int sqlstate, const char* message) noexcept {
    to.sqlstate = sqlstate;
    copy(to.message, message);
    to.detail[0] = to.hint[0] = '\0';
}

void raise(const Raise& what) {
    ereport(ERROR, (errcode(what.sqlstate), errmsg_internal("%s", what.message),
                    what.detail[0] != '\0' ? errdetail_internal("%s", what.detail) : 0,
                    what.hint[0] != '\0' ? errhint("%s", what.hint) : 0));
    pg_unreachable();
}

}  // namespace pg_ocr::pg
